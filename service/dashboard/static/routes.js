/** Which page belongs to which address. A new page is a file and a line here. */

import { batches } from "./batches.js";
import { compare } from "./compare.js";
import { columns } from "./dataset_columns.js";
import { dataset } from "./dataset.js";
import { datasetVersion } from "./dataset_version.js";
import { datasets } from "./datasets.js";
import { home } from "./home.js";
import { keys } from "./keys.js";
import { model } from "./model.js";
import { models } from "./models.js";
import { newDataset } from "./new_dataset.js";
import { newSearch } from "./new_search.js";
import { search } from "./search.js";
import { searches } from "./searches.js";
import { tryIt } from "./try_it.js";

const PAGES = [
  ["/", "Home", home],
  ["/datasets", "Data sets", datasets],
  ["/datasets/new", "New data set", newDataset],
  ["/datasets/:id", "Data set", dataset],
  ["/datasets/:id/columns", "Columns", columns],
  ["/datasets/:id/versions/:version", "Version of a data set", datasetVersion],
  ["/searches", "Searches", searches],
  ["/searches/new", "New search", newSearch],
  ["/searches/compare", "Compare searches", compare],
  ["/searches/:id", "Search", search],
  ["/models", "Models", models],
  ["/models/:name", "Model", model],
  ["/batches", "Batches", batches],
  ["/try", "Try it", tryIt],
  ["/keys", "Keys and usage", keys],
];

export const NAVIGATION = [
  { to: "/", name: "Home", owns: ["/"], drawing: "M4 11l8-7 8 7v9h-5v-6H9v6H4z" },
  { to: "/datasets", name: "Data", owns: ["/datasets"], drawing: "M4 6c0-4 16-4 16 0v12c0 4-16 4-16 0zM4 6c0 4 16 4 16 0M4 12c0 4 16 4 16 0" },
  { to: "/searches", name: "Searches", owns: ["/searches"], drawing: "M11 4a7 7 0 1 1 0 14a7 7 0 0 1 0-14zM16 16l5 5" },
  { to: "/models", name: "Models", owns: ["/models", "/batches"], drawing: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9" },
  { to: "/try", name: "Try it", owns: ["/try"], scope: "score", drawing: "M7 4l12 8-12 8z" },
  { to: "/keys", name: "Keys", owns: ["/keys"], drawing: "M8 8a4.5 4.5 0 1 0 .1 0zM12 13l9 0M18 13v4" },
];

/** Name, drawing function and parts of the page at a path. */
export function find(path) {
  const asked = path.split("/");
  for (const [pattern, name, draw] of PAGES) {
    const parts = pattern.split("/");
    const given = {};
    const fits = parts.length === asked.length && parts.every((one, place) => {
      if (!one.startsWith(":")) return one === asked[place];
      try {
        given[one.slice(1)] = decodeURIComponent(asked[place]);
      } catch {
        return false;
      }
      return asked[place] !== "";
    });
    if (fits) return { name, draw, given };
  }
  return { name: "Not found", draw: null, given: {} };
}
