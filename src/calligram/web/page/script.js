/*
The page's one script: a picture and a form in, art out, live.

    picture, options -> POST v1/art.json -> cells -> canvas, and text that can be selected

What may be chosen comes from the service (v1/algorithms, v1/limits); what stands below is
what holds until it has answered. Nothing foreign is ever parsed as HTML: characters are
drawn, or set as text. Addresses are relative, so the page also works below a prefix.
*/

const DEFAULTS = {
  columns: "80", rows: null, algorithm: "shape-1", characters: null, colour: "none",
  background: "dark", invert: false, cell_aspect: "0.5", dither: "none",
};
const known = {
  algorithms: [
    { name: "shape-1", summary: "the glyph whose measured shape shows the cell best" },
    { name: "ramp-1", summary: "mean brightness of each cell, looked up in a ramp of characters" },
  ],
  characters: ["ascii", "blocks", "half", "quadrants", "eighths", "sextants", "braille"],
  colour: ["none", "16", "256", "full"],
  background: ["dark", "light"],
  dither: ["none", "ordered"],
  formats: ["txt", "ansi", "html", "svg", "png", "json"],
  pictureBytesMax: Infinity,
  keeps: false,
};
const OWN = "own characters";
const PAUSE_MS = 150;
const TRIES_MAX = 5;

const $ = (id) => document.getElementById(id);
const form = $("options");

let picture = null; // { blob, name, address, kept }: the address shows it in this page only
let art = null; // what is shown: the service's JSON, with its query
let running = null; // the AbortController of the one request under way
let timer = 0;

/* --- What may be chosen ------------------------------------------------------------------ */

async function askService() {
  const answers = await Promise.allSettled(
    ["v1/algorithms", "v1/limits"].map(async (address) => {
      const answer = await fetch(address, { headers: { accept: "application/json" } });
      return answer.ok ? answer.json() : {};
    }),
  );
  const [algorithms, limits] = answers.map((answer) => answer.value ?? {});
  learn(algorithms, limits);
}

function learn(algorithms, limits) {
  const listed = algorithms.algorithms ?? algorithms;
  if (Array.isArray(listed) && listed.length) {
    known.algorithms = listed.map((one) => (typeof one === "string" ? { name: one } : one));
  }
  if (algorithms.default) DEFAULTS.algorithm = algorithms.default;
  const options = limits.options ?? algorithms.options ?? {};
  const find = (name) =>
    Array.isArray(options) ? options.find((one) => one.name === name) : options[name];
  for (const name of ["colour", "background", "dither"]) {
    if (find(name)?.choices?.length) known[name] = find(name).choices;
  }
  const sets = limits.character_sets ?? algorithms.character_sets ?? find("characters")?.sets;
  if (sets) known.characters = Array.isArray(sets) ? sets : Object.keys(sets);
  const formats = limits.formats ?? algorithms.formats;
  if (formats) {
    const list = Array.isArray(formats) ? formats : Object.keys(formats);
    known.formats = list.map((one) => one.name ?? one);
  }
  known.pictureBytesMax =
    limits.picture_bytes_max ?? limits.limits?.picture_bytes_max ?? known.pictureBytesMax;
  known.keeps = limits.keeps_pictures ?? known.keeps;
  for (const id of ["columns", "rows"]) {
    const most = find(id)?.most ?? limits[`${id}_max`];
    if (most) $(id).max = most;
  }
}

function buildControls() {
  const option = (value, label = value) => new Option(label, value);
  $("algorithm").replaceChildren(
    ...known.algorithms.map(({ name }) =>
      new Option(name, name, name === DEFAULTS.algorithm, name === DEFAULTS.algorithm)),
  );
  $("characters").replaceChildren(
    option("", "the algorithm’s own"),
    ...known.characters.map((name) => option(name)),
    option(OWN, "your own…"),
  );
  $("dither").replaceChildren(...known.dither.map((name) => option(name)));
  for (const name of ["colour", "background"]) {
    $(name).replaceChildren(...known[name].map((value) => segment(name, value)));
  }
  $("downloads").replaceChildren(...known.formats.map(downloadButton));
  $("link").hidden = !known.keeps;
  showState();
}

function segment(name, value) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name, value });
  input.defaultChecked = value === DEFAULTS[name];
  const text = document.createElement("span");
  text.textContent = value;
  label.append(input, text);
  return label;
}

function downloadButton(format) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: format, disabled: art === null });
  button.dataset.format = format;
  button.setAttribute("aria-label", `Download ${format}`);
  button.addEventListener("click", () => download(format));
  return button;
}

/* --- What is chosen ---------------------------------------------------------------------- */

/* Only what differs from the defaults: addresses and commands stay short. */
function query() {
  const data = new FormData(form);
  const chosen = {
    columns: data.get("columns"),
    rows: $("rows-auto").checked ? null : data.get("rows"),
    algorithm: data.get("algorithm"),
    characters: data.get("characters") === OWN ? $("own").value : data.get("characters") || null,
    colour: data.get("colour"),
    background: data.get("background"),
    invert: $("invert").checked,
    cell_aspect: data.get("cell_aspect"),
    dither: data.get("dither"),
  };
  const parts = Object.entries(chosen)
    .filter(([name, value]) => value !== null && value !== DEFAULTS[name])
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return parts.length ? `?${parts.join("&")}` : "";
}

/* What one control says about another. */
function showState() {
  $("rows").disabled = $("rows-auto").checked;
  $("own-field").hidden = $("characters").value !== OWN;
  $("cell-aspect-value").value = $("cell-aspect").value;
  $("columns-slider").setAttribute("aria-valuetext", `${$("columns-slider").value} columns`);
  const algorithm = known.algorithms.find(({ name }) => name === $("algorithm").value);
  $("algorithm-hint").textContent = algorithm?.summary ?? "";
}

/* --- From picture and options to art ----------------------------------------------------- */

/*
At rest, a change is drawn at once. While a drawing is under way, a change waits until the
hand rests, and then the old request is given up: the newest answer is the one that is shown.
*/
function changed() {
  clearTimeout(timer);
  if (picture === null) return;
  if (running === null) draw();
  else timer = setTimeout(draw, PAUSE_MS);
}

async function draw(tries = 1) {
  clearTimeout(timer);
  running?.abort();
  const mine = new AbortController();
  running = mine;
  $("frame").setAttribute("aria-busy", "true");
  const asked = query();
  try {
    const answer = await post("json", asked, mine.signal);
    const cells = await answer.json();
    show({ ...cells, query: asked, name: picture.name }, milliseconds(answer));
  } catch (error) {
    if (running !== mine) return; // given up for a newer one
    refuse(error, tries);
  } finally {
    if (running === mine) {
      running = null;
      $("frame").setAttribute("aria-busy", "false");
    }
  }
}

class Problem extends Error {}

async function post(format, asked, signal) {
  if (picture.blob.size > known.pictureBytesMax) {
    const bytes = (number) => number.toLocaleString("en");
    throw new Problem(
      `This picture has ${bytes(picture.blob.size)} bytes, and the limit is ` +
        `${bytes(known.pictureBytesMax)}. A smaller one will do.`,
    );
  }
  return send(`v1/art.${format}${asked}`, signal);
}

async function send(address, signal) {
  const answer = await fetch(address, {
    method: "POST",
    // The bytes tell what they are; a file's name may lie.
    headers: { "content-type": "application/octet-stream" },
    body: picture.blob,
    signal,
  });
  if (answer.ok) return answer;
  const words = await answer.text();
  const problem = new Problem(detail(words) || `The service answered ${answer.status}.`);
  if (answer.status === 503 || answer.status === 429) {
    problem.retrySeconds = Number(answer.headers.get("retry-after")) || 1;
  }
  throw problem;
}

function detail(words) {
  try {
    const { detail, title } = JSON.parse(words);
    return sentence(detail || title || "");
  } catch {
    return sentence(words.slice(0, 500));
  }
}

function sentence(words) {
  const text = words.trim();
  return text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

function refuse(error, tries) {
  if (!(error instanceof Problem)) console.debug(error);
  const words = error instanceof Problem ? error.message : "The service could not be reached.";
  const again = error.retrySeconds && tries < TRIES_MAX;
  $("problem").textContent = again ? `${words} Trying again in ${error.retrySeconds} s.` : words;
  $("frame").classList.add("stale");
  $("facts").textContent = art ? "Above is the last art that could be drawn." : "";
  if (again) timer = setTimeout(() => draw(tries + 1), error.retrySeconds * 1000);
}

/* Server-Timing: `render;dur=12.3, total;dur=15`. */
function milliseconds(answer) {
  const found = {};
  for (const part of (answer.headers.get("server-timing") ?? "").split(",")) {
    const [name, ...rest] = part.trim().split(";");
    const duration = rest.map((one) => /^\s*dur=([\d.]+)/.exec(one)?.[1]).find(Boolean);
    if (duration) found[name] = Number(duration);
  }
  return found.render ?? found.draw ?? found.total ?? null;
}

function show(drawn, took) {
  art = drawn;
  $("problem").textContent = "";
  $("frame").classList.remove("stale");
  $("art").setAttribute(
    "aria-label", `Text art of ${art.name}, ${art.columns} by ${art.rows} characters`);
  $("text").textContent = art.characters.join("\n");
  $("facts").textContent =
    `${art.algorithm} · ${art.columns} × ${art.rows} characters` +
    (took === null ? "" : ` · drawn in ${took < 10 ? took.toFixed(1) : Math.round(took)} ms`);
  $("command").textContent = command();
  for (const button of document.querySelectorAll("#copy, #keep, #downloads button")) {
    button.disabled = false;
  }
  showLink();
  paint();
}

/* --- From art to the screen -------------------------------------------------------------- */

const FONT = '"DejaVu Sans Mono", Menlo, Consolas, "Noto Sans Mono", monospace';
const CANVAS_SIDE_MAX = 16_000;
const CANVAS_PIXELS_MAX = 40_000_000;
const CELL_WIDTH_MAX = 20;

/*
The art fills the frame's width, or its height where that is less. It is drawn on a canvas
whose cells are whole pixels, so that no seams show between lines, whatever font is there; the
text lies over it, unseen, for the hand that selects.
*/
function paint() {
  if (art === null) return;
  const frame = $("frame");
  const aspect = art.options.cell_aspect ?? 0.5;
  const heightMost = parseFloat(getComputedStyle(frame).maxHeight);
  const width = Math.min(
    frame.clientWidth,
    ((Number.isNaN(heightMost) ? Infinity : heightMost) * art.columns * aspect) / art.rows,
    art.columns * CELL_WIDTH_MAX,
  );
  const cell = { width: width / art.columns, height: width / art.columns / aspect };
  const box = $("art").style;
  box.width = `${width}px`;
  box.height = `${cell.height * art.rows}px`;
  box.background = art.page;

  const pen = $("canvas").getContext("2d", { alpha: false });
  pen.font = `100px ${FONT}`;
  const advance = pen.measureText("M").width / 100;
  const text = $("text").style;
  text.fontSize = `${cell.height / 1.1}px`;
  text.lineHeight = `${cell.height}px`;
  text.letterSpacing = `${cell.width - (advance * cell.height) / 1.1}px`;

  const [wide, high] = cellPixels(cell.width * devicePixelRatio, aspect);
  $("canvas").width = wide * art.columns;
  $("canvas").height = high * art.rows;
  paintPaper(pen, wide, high);
  paintCharacters(pen, wide, high);
}

function cellPixels(wanted, aspect) {
  let wide = Math.max(2, Math.ceil(wanted));
  const fits = () => {
    const width = wide * art.columns, height = Math.max(1, Math.round(wide / aspect)) * art.rows;
    return Math.max(width, height) <= CANVAS_SIDE_MAX && width * height <= CANVAS_PIXELS_MAX;
  };
  while (wide > 1 && !fits()) wide -= 1;
  return [wide, Math.max(1, Math.round(wide / aspect))];
}

const look = (cell) => (typeof cell === "number" ? art.palette[cell] : cell);

function paintPaper(pen, wide, high) {
  pen.fillStyle = art.page;
  pen.fillRect(0, 0, wide * art.columns, high * art.rows);
  art.background?.forEach((line, row) => {
    for (let begin = 0, end; begin < line.length; begin = end) {
      end = begin + 1;
      while (end < line.length && line[end] === line[begin]) end += 1;
      if (line[begin] === null) continue;
      pen.fillStyle = look(line[begin]);
      pen.fillRect(begin * wide, row * high, (end - begin) * wide, high);
    }
  });
}

function paintCharacters(pen, wide, high) {
  // Two limits, so that letters neither leave their line nor run into each other.
  pen.font = `${Math.min(high / 1.1, (wide * 1.1) / 0.6)}px ${FONT}`;
  pen.textAlign = "center";
  pen.textBaseline = "alphabetic";
  const baseline = high * 0.5 + Math.min(high / 1.1, (wide * 1.1) / 0.6) * 0.33;
  art.characters.forEach((line, row) => {
    let column = 0;
    for (const character of line) {
      if (character !== " ") {
        pen.fillStyle = look(art.foreground?.[row][column] ?? art.ink);
        const code = character.codePointAt(0);
        const x = column * wide, y = row * high;
        if (code >= 0x2800 && code <= 0x28ff) paintDots(pen, code - 0x2800, x, y, wide, high);
        else {
          const parts = BLOCKS.get(code);
          if (parts) paintBlock(pen, parts, x, y, wide, high);
          else pen.fillText(character, x + wide / 2, y + baseline);
        }
      }
      column += 1;
    }
  });
}

/* Block characters, as rectangles [left, top, right, bottom] in parts of a cell: fonts leave gaps. */
const BLOCKS = new Map();
for (let n = 1; n <= 8; n += 1) {
  BLOCKS.set(0x2580 + n, [[0, 1 - n / 8, 1, 1]]);
  BLOCKS.set(0x2590 - n, [[0, 0, n / 8, 1]]);
}
BLOCKS.set(0x2580, [[0, 0, 1, 1 / 2]]);
BLOCKS.set(0x2590, [[1 / 2, 0, 1, 1]]);
BLOCKS.set(0x2594, [[0, 0, 1, 1 / 8]]);
BLOCKS.set(0x2595, [[7 / 8, 0, 1, 1]]);
const grid = (bits, lines) =>
  [...Array(2 * lines).keys()]
    .filter((n) => bits & (1 << n))
    .map((n) => [(n % 2) / 2, (n >> 1) / lines, (n % 2 + 1) / 2, ((n >> 1) + 1) / lines]);
[4, 8, 1, 13, 9, 7, 11, 2, 6, 14].forEach((bits, n) => BLOCKS.set(0x2596 + n, grid(bits, 2)));
for (let bits = 1, code = 0x1fb00; bits < 63; bits += 1) {
  // The two halves are no sextants: they stand among the blocks.
  if (bits !== 0b010101 && bits !== 0b101010) BLOCKS.set(code++, grid(bits, 3));
}

function paintBlock(pen, parts, x, y, wide, high) {
  for (const [left, top, right, bottom] of parts) {
    const from = Math.round(left * wide), above = Math.round(top * high);
    pen.fillRect(
      x + from, y + above, Math.round(right * wide) - from, Math.round(bottom * high) - above);
  }
}

/* Dots 1 to 8 of a braille cell, as (column, line). */
const DOTS = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [0, 3], [1, 3]];

function paintDots(pen, bits, x, y, wide, high) {
  const radius = Math.min(wide / 4, high / 8) * 0.72;
  pen.beginPath();
  DOTS.forEach(([column, line], n) => {
    if (!(bits & (1 << n))) return;
    const across = x + (wide * (2 * column + 1)) / 4, down = y + (high * (2 * line + 1)) / 8;
    if (radius < 2) pen.rect(across - radius, down - radius, 2 * radius, 2 * radius);
    else {
      pen.moveTo(across + radius, down);
      pen.arc(across, down, radius, 0, 7);
    }
  });
  pen.fill();
}

/* --- Take it away ------------------------------------------------------------------------ */

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

function command() {
  const format = art.colour === "none" ? "" : ".ansi";
  const address = new URL(`v1/art${format}`, document.baseURI).href + art.query;
  return `curl --data-binary ${quoted(`@${art.name}`)} ${quoted(address)}`;
}

/* Only on request: what is kept is seen by whoever has the link. */
async function keep() {
  const mine = picture;
  $("keep").disabled = true;
  try {
    const answer = await send("v1/pictures?columns=1");
    mine.kept = answer.headers.get("location");
    showLink();
    say("The picture is kept; its art has a link.");
    if (picture === mine) $("copy-link").focus();
  } catch (error) {
    refuse(error, TRIES_MAX);
  } finally {
    $("keep").disabled = false;
  }
}

/* The art's own address: it names the algorithm, so it is the same for ever. */
function link(format) {
  const options = art.query.replace(/([?&])algorithm=[^&]*&?/, "$1").replace(/[?&]$/, "");
  // The service's address is relative to its own root, and this page may lie below a prefix.
  const path = `${picture.kept.slice(1)}/art/${art.algorithm}.${format}${options}`;
  return new URL(path, document.baseURI).href;
}

function showLink() {
  const kept = Boolean(picture.kept);
  for (const id of ["copy-link", "copy-markdown", "link-address"]) $(id).hidden = !kept;
  $("keep").hidden = $("link-hint").hidden = kept;
  $("link-address").textContent = kept ? link("txt") : "";
}

const markdown = () => `![${art.name.replace(/[\[\]\\]/g, "")}](${link("png")})`;

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https, browsers keep the clipboard's interface away; the old way still works.
    const area = document.createElement("textarea");
    const before = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    before?.focus();
    if (!copied) return say(`The browser did not let the ${what} be copied.`);
  }
  return say(`The ${what} is on the clipboard.`);
}

async function download(format) {
  try {
    const answer = await post(format, art.query);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `${art.name.replace(/\.[^.]*$/, "")}.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    say(`${link.download} is being saved.`);
  } catch (error) {
    refuse(error, TRIES_MAX);
  }
}

function say(words) {
  $("done").textContent = words;
}

/* --- Pictures come in -------------------------------------------------------------------- */

function take(blob, name, onDisk) {
  if (picture) URL.revokeObjectURL(picture.address);
  picture = { blob, name, address: URL.createObjectURL(blob) };
  $("picture-name").textContent = name;
  $("picture-size").textContent = `${Math.ceil(blob.size / 1024).toLocaleString("en")} KiB`;
  $("thumbnail").src = picture.address;
  Object.assign($("save-picture"), { hidden: onDisk, href: picture.address, download: name });
  say("");
  draw();
}

function takeFirst(files, nothing, name) {
  const [file] = files ?? [];
  if (file) take(file, name ?? file.name, name === undefined);
  else $("problem").textContent = nothing;
}

/* Evening over a lake: smooth light, hard edges and fine lines, to try everything on. */
function takeSample() {
  const canvas = document.createElement("canvas");
  const [width, height, shore] = [960, 640, 440];
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  const fill = (stops, top, bottom) => {
    const gradient = pen.createLinearGradient(0, top, 0, bottom);
    stops.forEach((stop, n) => gradient.addColorStop(n / (stops.length - 1), stop));
    pen.fillStyle = gradient;
  };
  fill(["#16234f", "#5a3d7a", "#e0705a", "#ffd08a"], 0, shore);
  pen.fillRect(0, 0, width, shore);
  const glow = pen.createRadialGradient(610, 300, 20, 610, 300, 300);
  ["#fff6d8", "#ffe0a088", "#ffc88038", "#ffb36a00"].forEach(
    (stop, n) => glow.addColorStop(n / 3, stop));
  pen.fillStyle = glow;
  pen.fillRect(0, 0, width, shore);
  pen.fillStyle = "#fffbe8";
  pen.beginPath();
  pen.arc(610, 300, 62, 0, 7);
  pen.fill();
  const ridge = (base, tall, pace, colour) => {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(0, shore);
    for (let x = 0; x <= width; x += 4) {
      const wave = Math.abs(Math.sin(x / pace)) + 0.35 * Math.abs(Math.sin(x / (pace * 0.31) + 2));
      pen.lineTo(x, base - tall * wave);
    }
    pen.lineTo(width, shore);
    pen.fill();
  };
  ridge(400, 120, 190, "#5b4a78");
  ridge(430, 70, 120, "#33305c");
  fill(["#f0a070", "#7a4a78", "#141c3f"], shore, height);
  pen.fillRect(0, shore, width, height - shore);
  for (let n = 0; n < 22; n += 1) {
    const half = 30 + 5 * n + 26 * Math.sin(n * 2.4);
    pen.fillStyle = `rgb(255 236 190 / ${0.85 - n * 0.035})`;
    pen.fillRect(610 - half, shore + 4 + n * 9, 2 * half, 4);
  }
  pen.fillStyle = "#0c1230";
  pen.fillRect(150, 150, 16, 330);
  for (let n = 0; n < 9; n += 1) {
    pen.beginPath();
    pen.moveTo(158, 110 + n * 34);
    pen.lineTo(158 - 30 - n * 9, 178 + n * 36);
    pen.lineTo(158 + 30 + n * 9, 178 + n * 36);
    pen.fill();
  }
  canvas.toBlob((blob) => take(blob, "calligram-sample.png", false));
}

/* --- Everything that happens ------------------------------------------------------------- */

$("file").addEventListener("change", ({ target }) => {
  if (target.files.length) takeFirst(target.files);
});
$("sample").addEventListener("click", takeSample);
$("copy").addEventListener("click", () => copy(`${art.characters.join("\n")}\n`, "text"));
$("copy-command").addEventListener("click", () => copy($("command").textContent, "command"));
$("keep").addEventListener("click", keep);
$("copy-link").addEventListener("click", () => copy($("link-address").textContent, "link"));
$("copy-markdown").addEventListener("click", () => copy(markdown(), "Markdown"));
$("thumbnail").addEventListener("load", () => { $("thumbnail").hidden = false; });
$("thumbnail").addEventListener("error", () => { $("thumbnail").hidden = true; });

document.addEventListener("paste", (event) => {
  const { files } = event.clipboardData;
  if (!files.length) return; // text, for a field
  event.preventDefault();
  const kind = /^image\/(\w+)/.exec(files[0].type)?.[1] ?? "bin";
  takeFirst(files, "", `pasted.${kind}`);
});

const overPage = (on) => document.body.classList.toggle("dropping", on);
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  overPage(true);
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) overPage(false);
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  overPage(false);
  takeFirst(
    event.dataTransfer.files,
    "There was no file in what was dropped. Save the picture first, and then drop the file.",
  );
});

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", ({ target }) => {
  if (target.id === "columns-slider") $("columns").value = target.value;
  if (target.id === "columns") $("columns-slider").value = target.value;
  showState();
  changed();
});
// The reset itself comes after its event.
form.addEventListener("reset", () => setTimeout(() => { showState(); changed(); }));

new ResizeObserver(() => requestAnimationFrame(paint)).observe($("frame"));

buildControls();
askService().then(buildControls).finally(() => { if (picture === null) takeSample(); });
