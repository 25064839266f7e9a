// A document's pages with what was found drawn over them: zoom, pages, and boxes that light up with their finding.

const SVG = "http://www.w3.org/2000/svg";
const ZOOMS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];

function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// Tells which element of a kind the pointer has come to, or null. Only a pointer that moved counts: when the page scrolls
// under a pointer that rests, nobody points at anything.
export function onPoint(area, selector, tell) {
  let at = null;
  const come = (to) => {
    if (to !== at) tell((at = to));
  };
  area.addEventListener("pointermove", (event) => {
    if (event.movementX || event.movementY) come(event.target.closest?.(selector) ?? null);
  });
  area.addEventListener("pointerleave", () => come(null));
}

export class Viewer {
  // onHover(id or null) is called when the pointer enters or leaves a box, onSelect(id) when it is clicked.
  constructor(canvas, { onHover, onSelect, onPage }) {
    this.canvas = canvas;
    this.onSelect = onSelect;
    this.onPage = onPage;
    this.showWords = false;
    onPoint(canvas, ".mark", (mark) => onHover(mark?.dataset.id ?? null));
    this.clear();
  }

  clear() {
    if (this.address) URL.revokeObjectURL(this.address);
    Object.assign(this, { address: null, pages: [], marks: [], index: 0, zoom: 1, lit: null });
    this.canvas.replaceChildren();
  }

  // The picture itself is shown where the browser can draw it; a PDF or TIFF is set from the words that were read.
  preview(file) {
    this.clear();
    this.address = URL.createObjectURL(file);
    const image = new Image();
    image.alt = "";
    image.onload = () => {
      if (!this.pages.length) this.pages = [{ number: 1, width: image.naturalWidth, height: image.naturalHeight, words: [] }];
      this.picture = image.src;
      this.draw();
    };
    image.onerror = () => this.draw();
    this.picture = null;
    image.src = this.address;
  }

  show(pages, marks) {
    this.pages = pages;
    this.marks = marks;
    this.index = Math.min(this.index, pages.length - 1);
    this.draw();
  }

  turnTo(number) {
    const index = this.pages.findIndex((page) => page.number === number);
    if (index >= 0 && index !== this.index) {
      this.index = index;
      this.draw();
    }
  }

  step(by) {
    const index = this.index + by;
    if (index >= 0 && index < this.pages.length) {
      this.index = index;
      this.draw();
    }
  }

  scale(direction) {
    if (direction === 0) this.zoom = 1;
    else {
      const next = direction > 0 ? ZOOMS.find((zoom) => zoom > this.zoom) : ZOOMS.findLast((zoom) => zoom < this.zoom);
      this.zoom = next ?? this.zoom;
    }
    this.size();
  }

  light(id, { scroll = false } = {}) {
    this.lit = id;
    for (const mark of this.canvas.querySelectorAll(".mark")) mark.classList.toggle("lit", mark.dataset.id === id);
    if (scroll) {
      const first = this.marks.find((mark) => mark.id === id);
      if (first) this.turnTo(first.page);
      this.bringUp(this.canvas.querySelector(".mark.lit"));
    }
  }

  // Scrolls the page of the document; the window only where the document is out of sight, as on a phone.
  bringUp(mark) {
    if (!mark) return;
    const box = mark.getBoundingClientRect();
    const room = this.canvas.getBoundingClientRect();
    if (box.top < room.top || box.bottom > room.bottom || box.left < room.left || box.right > room.right) {
      this.canvas.scrollBy(box.left + box.width / 2 - room.left - room.width / 2, box.top + box.height / 2 - room.top - room.height / 2);
    }
    if (room.bottom < 80 || room.top > innerHeight - 80) this.canvas.scrollIntoView({ block: "center" });
  }

  size() {
    const sheet = this.canvas.querySelector(".sheet");
    const page = this.pages[this.index];
    if (!sheet || !page) return;
    const style = getComputedStyle(this.canvas);
    const across = this.canvas.clientWidth - parseFloat(style.paddingLeft) * 2;
    const down = this.canvas.clientHeight - parseFloat(style.paddingTop) * 2;
    const fit = Math.min(across / page.width, Math.max(down / page.height, 0.55 * (across / page.width)));
    sheet.style.width = `${page.width * fit * this.zoom}px`;
    sheet.style.height = `${page.height * fit * this.zoom}px`;
  }

  draw() {
    const page = this.pages[this.index];
    this.onPage(page ? page.number : 0, this.index, this.pages.length);
    if (!page) return;
    const sheet = document.createElement("div");
    sheet.className = "sheet";
    // A file of one picture has one page; of several, the browser would only draw the first.
    if (this.picture && this.pages.length === 1) {
      const image = new Image();
      image.src = this.picture;
      image.alt = "The document";
      sheet.append(image);
    } else sheet.append(this.typeset(page));
    const overlay = svg("svg", { viewBox: `0 0 ${page.width} ${page.height}`, "aria-hidden": "true" });
    if (this.showWords) for (const word of page.words) overlay.append(this.rectangle("word", word.box));
    for (const mark of this.marks.filter((mark) => mark.page === page.number)) overlay.append(this.mark(mark));
    sheet.append(overlay);
    this.canvas.replaceChildren(sheet);
    this.size();
    this.light(this.lit);
  }

  typeset(page) {
    const drawing = svg("svg", { viewBox: `0 0 ${page.width} ${page.height}`, role: "img", "aria-label": `The words of page ${page.number}` });
    for (const { text, box: [x0, y0, x1, y1] } of page.words) {
      const height = (y1 - y0) * 0.82;
      const word = svg("text", { x: x0, y: y1 - (y1 - y0) * 0.2, "font-size": height, textLength: Math.max(x1 - x0, 1), lengthAdjust: "spacingAndGlyphs" });
      word.textContent = text;
      drawing.append(word);
    }
    return drawing;
  }

  rectangle(name, [x0, y0, x1, y1]) {
    return svg("rect", { class: name, x: x0, y: y0, width: Math.max(x1 - x0, 1), height: Math.max(y1 - y0, 1), rx: 2 });
  }

  mark({ id, box, colour, kind, title }) {
    const mark = this.rectangle(`mark ${kind}`, box);
    mark.dataset.id = id;
    mark.style.setProperty("--colour", colour);
    const tip = svg("title", {});
    tip.textContent = title;
    mark.append(tip);
    mark.addEventListener("click", () => this.onSelect(id));
    return mark;
  }
}
