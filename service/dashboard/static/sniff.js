/** A look at the first rows of a file, in the browser, so that columns can be named before anything is sent. */

const LOOKED_AT = 256 * 1024;
const ROWS = 200;
const LABELS = ["label", "click", "clicked", "is_click", "is_clicked", "clk", "target", "y"];
const ITEMS = /^(item|item_?id|product|product_?id|article|coupon|movie|movie_?id|song|sku)$/i;
const TIMES = /^(time|timestamp|ts|date|datetime|created_at)$/i;

async function beginning(file) {
  let stream = file.slice(0, LOOKED_AT).stream();
  if (/\.gz$/i.test(file.name)) stream = file.slice(0, 4 * LOOKED_AT).stream().pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    while (text.length < LOOKED_AT) {
      const { value, done } = await reader.read();
      if (done) break;
      text += value;
    }
  } catch {
    // The part of a compressed file that was cut off is no error.
  }
  return text;
}

function cells(line, delimiter) {
  const found = [];
  let cell = "";
  let quoted = false;
  for (const letter of line) {
    if (letter === '"') quoted = !quoted;
    else if (letter === delimiter && !quoted) {
      found.push(cell);
      cell = "";
    } else cell += letter;
  }
  return [...found, cell];
}

function rowsOf(text, name) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/).slice(0, -1).slice(0, ROWS + 1);
  if (/\.(jsonl|ndjson)(\.gz)?$/i.test(name)) {
    const rows = lines.flatMap((line) => { try { return [JSON.parse(line)]; } catch { return []; } });
    const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    return { names, rows: rows.map((row) => names.map((one) => String(row[one] ?? ""))) };
  }
  if (!lines.length) return { names: [], rows: [] };
  const delimiter = [",", ";", "\t", "|"].map((one) => [cells(lines[0], one).length, one]).sort((a, b) => b[0] - a[0])[0][1];
  return { names: cells(lines[0], delimiter), rows: lines.slice(1).map((line) => cells(line, delimiter)) };
}

/** Columns of a file with examples and a first guess of their use; none where the file cannot be read here. */
export async function sniff(file) {
  if (/\.(parquet|zst)$/i.test(file.name) || file.name.includes(".parquet.")) return [];
  const { names, rows } = rowsOf(await beginning(file), file.name);
  if (names.length < 2) return [];
  const columns = names.map((name, place) => {
    const values = [...new Set(rows.map((row) => row[place] ?? ""))];
    return { name, examples: values.filter(Boolean).slice(0, 3), binary: values.length > 0 && values.every((value) => value === "0" || value === "1"), use: "auto", kind: "auto" };
  });
  const label = columns.find(({ name, binary }) => binary && LABELS.includes(name.toLowerCase()));
  if (label) label.use = "label";
  const item = columns.find(({ name }) => ITEMS.test(name));
  if (item) item.use = "item_id";
  const time = columns.find(({ name, use }) => TIMES.test(name) && use === "auto");
  if (time && /\d{4}-|^\d{9,}/.test(time.examples[0] ?? "")) time.use = "time";
  return columns;
}
