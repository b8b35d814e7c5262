// Puts the page together.

const data = JSON.parse(document.getElementById("data").textContent);
const { about } = data;

function scopeText({ chart, region, first, last }) {
  return `${chart} ${region}, ${first} to ${last}`;
}
const scopes = about.scopes || [];
const shownScopes = scopes.slice(0, 4).map(scopeText);
if (scopes.length > shownScopes.length) shownScopes.push(`and ${scopes.length - shownScopes.length} more`);
append(document.getElementById("top"), [
  el("h1", {}, about.title),
  el("p", {}, `Pipeline ${about.pipeline}, run ${about.run}${about.as_of ? `, as of ${about.as_of}` : ""}`),
  shownScopes.length > 0 && el("ul", { class: "scopes" }, shownScopes.map((text) => el("li", {}, text))),
]);

const sections = [
  ["news", "What is new", headlineSection],
  ["story", "The story", storySection],
  ["race", "The race", raceSection],
  ["pace", "Pace", paceSection],
  ["milestones", "Milestones", milestonesSection],
  ["rankings", "Rankings", rankingsSection],
  ["records", "Records", recordsSection],
  ["claims", "Claims", claimsSection],
  ["coverage", "Coverage", coverageSection],
  ["account", "Rows", accountSection],
  ["manifest", "The run", manifestSection],
];
const main = document.getElementById("main");
const links = el("ul");
const starts = [];
for (const [id, title, build] of sections) {
  const built = build(data);
  if (built === null) continue;
  const start = built.find((part) => typeof part === "function");
  if (start) starts.push(start);
  const parts = built.filter((part) => typeof part !== "function");
  const heading = `${id}-title`;
  main.append(el("section", { id, "aria-labelledby": heading }, el("h2", { id: heading }, title), parts));
  links.append(el("li", {}, el("a", { href: `#${id}` }, title)));
}
document.querySelector("nav").append(links);
document.querySelector("footer").append(el("p", {}, "Made by chartledger. Nothing on this page was fetched: it holds all it shows."));
starts.forEach((start) => start());
document.documentElement.dataset.ready = "yes";
