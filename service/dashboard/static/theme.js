"use strict";
// Before the first paint: the theme that was chosen, or that of the system.
const chosenTheme = localStorage.getItem("ihas-theme");
if (chosenTheme === "light" || chosenTheme === "dark") document.documentElement.dataset.theme = chosenTheme;
