let canvas: CanvasRenderingContext2D | null | undefined;

/** Pixels of the longest line of a text in the font of an element. */
export function textWidth(text: string, element: Element): number {
  return Math.ceil(Math.max(0, ...text.split('\n').map(measureIn(element))));
}

/** A measure of single lines in the font of an element. */
export function measureIn(element: Element): (line: string) => number {
  canvas ??= document.createElement('canvas').getContext('2d');
  if (canvas == null) return (line) => line.length * 7;
  const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(element);
  const context = canvas;
  context.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
  return (line) => context.measureText(line).width;
}

/** How many of the longest texts are measured to fit a column: width follows length closely enough. */
const MEASURED = 60;

/** The width that shows the widest of many texts, without padding. */
export function widestOf(texts: Iterable<string>, element: Element): number {
  const longest = [...new Set(texts)].sort((one, other) => other.length - one.length).slice(0, MEASURED);
  const measure = measureIn(element);
  return Math.ceil(Math.max(0, ...longest.map((text) => measure(text.slice(0, 300)))));
}
