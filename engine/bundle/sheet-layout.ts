import { cellPlace } from './cell-text.ts';
import { isMain, type WorkbookPackage } from './workbook-package.ts';
import { readXml, type XmlTag } from './xml.ts';

/** A stretch of a part's text. */
export interface Span {
  start: number;
  end: number;
}

export interface ElementSpan extends Span {
  tag: XmlTag;
  /** Where the content ends and the end tag begins; the element's end where it is `<a/>`. */
  contentEnd: number;
}

export interface LaidCell extends ElementSpan {
  row: number;
  column: number;
  formula: LaidFormula | null;
}

export interface LaidFormula extends ElementSpan {
  /** Unescaped. */
  text: string;
}

export interface LaidRow extends ElementSpan {
  row: number;
  cells: LaidCell[];
}

/** An element whose attribute (`ref`, `sqref`) says which cells it is about. */
export interface LaidRange extends ElementSpan {
  attribute: 'ref' | 'sqref';
  /** The element that goes when its last child goes, where there is one. */
  container: LaidContainer | null;
  /** Formulas inside, whose relative references count from the range's first cell. */
  formulas: LaidFormula[];
  /** True where rows added below the range's last row belong to it. */
  grows: boolean;
}

export interface LaidContainer extends ElementSpan {
  children: number;
}

/** Where everything that an edit may touch stands in a worksheet's XML. */
export interface SheetLayout {
  /** Prefix of the main namespace, with its colon; '' where there is none. */
  prefix: string;
  data: ElementSpan;
  rows: LaidRow[];
  ranges: LaidRange[];
  /** The text inside `<xm:sqref>` of an extension (data validations that point at other sheets). */
  extensionRanges: (Span & { text: string; rule: LaidFormula[] })[];
  dimension: ElementSpan | null;
}

const RANGES: Record<string, { attribute: 'ref' | 'sqref'; grows: boolean; container: string | null }> = {
  mergeCell: { attribute: 'ref', grows: false, container: 'mergeCells' },
  conditionalFormatting: { attribute: 'sqref', grows: true, container: null },
  dataValidation: { attribute: 'sqref', grows: true, container: 'dataValidations' },
  hyperlink: { attribute: 'ref', grows: false, container: 'hyperlinks' },
  autoFilter: { attribute: 'ref', grows: true, container: null },
  sortState: { attribute: 'ref', grows: true, container: null },
  sortCondition: { attribute: 'ref', grows: true, container: null },
  protectedRange: { attribute: 'sqref', grows: true, container: 'protectedRanges' },
  ignoredError: { attribute: 'sqref', grows: true, container: 'ignoredErrors' },
};
const CONTAINERS = new Set(Object.values(RANGES).flatMap((range) => range.container ?? []));
const EXCEL_MAIN = 'http://schemas.microsoft.com/office/excel/2006/main';

/** Scans a worksheet's XML once. */
export function layOutSheet(xml: string, part: string, workbook: WorkbookPackage): SheetLayout {
  const layout: SheetLayout = {
    prefix: '',
    data: { tag: {} as XmlTag, start: 0, end: 0, contentEnd: 0 },
    rows: [],
    ranges: [],
    extensionRanges: [],
    dimension: null,
  };
  let row = 0;
  let cells: LaidCell[] = [];
  let column = -1;
  let cell: LaidCell | null = null;
  let formula: LaidFormula | null = null;
  let inData = false;
  const ranges: LaidRange[] = [];
  const containers: LaidContainer[] = [];
  let extension: { text: string; span: Span | null; rule: LaidFormula[] } | null = null;
  let sink: ((text: string) => void) | null = null;

  const span = (tag: XmlTag): ElementSpan => ({ tag, start: tag.start, end: tag.end, contentEnd: tag.end });
  const addRange = (tag: XmlTag) => {
    const kind = RANGES[tag.local];
    if (!kind || tag.attributes[kind.attribute] === undefined) return;
    const container = kind.container === null ? null : (containers.at(-1) ?? null);
    if (container) container.children += 1;
    ranges.push({ ...span(tag), attribute: kind.attribute, grows: kind.grows, container, formulas: [] });
  };
  const beginFormula = (tag: XmlTag) => {
    const begun: LaidFormula = { ...span(tag), text: '' };
    formula = begun;
    sink = (text) => {
      begun.text += text;
    };
    return begun;
  };
  const finish = (element: ElementSpan, start: number, end: number) => {
    element.contentEnd = start;
    element.end = end;
  };

  readXml(
    xml,
    {
      open(tag) {
        if (tag.uri === EXCEL_MAIN) {
          if (tag.local === 'f' && extension) extension.rule.push(beginFormula(tag));
          if (tag.local === 'sqref' && extension) {
            const of = extension;
            sink = (text) => {
              of.text += text;
            };
          }
          return;
        }
        if (!isMain(tag.uri)) {
          // x14:dataValidation, x14:conditionalFormatting: their range is a child element.
          if (tag.local === 'dataValidation' || tag.local === 'conditionalFormatting') {
            extension = { text: '', span: null, rule: [] };
          }
          return;
        }
        if (CONTAINERS.has(tag.local)) containers.push({ ...span(tag), children: 0 });
        else if (inData) openData(tag);
        else if (tag.local === 'worksheet') layout.prefix = tag.name.slice(0, -'worksheet'.length);
        else if (tag.local === 'dimension') layout.dimension = span(tag);
        else if (tag.local === 'sheetData') {
          inData = true;
          layout.data = span(tag);
        } else if (tag.local === 'formula' || tag.local === 'formula1' || tag.local === 'formula2') {
          const rule = ranges.at(-1);
          if (rule) rule.formulas.push(beginFormula(tag));
        } else addRange(tag);
      },
      close(tag, start, end) {
        if (tag.uri === EXCEL_MAIN) {
          if (tag.local === 'sqref' && extension) extension.span = { start: tag.end, end: start };
          endFormula(tag, start, end);
          sink = null;
          return;
        }
        if (!isMain(tag.uri)) {
          if (extension && (tag.local === 'dataValidation' || tag.local === 'conditionalFormatting')) {
            if (extension.span)
              layout.extensionRanges.push({ ...extension.span, text: extension.text, rule: extension.rule });
            extension = null;
          }
          return;
        }
        endFormula(tag, start, end);
        sink = null;
        if (CONTAINERS.has(tag.local)) {
          const container = containers.pop();
          if (container) finish(container, start, end);
        } else if (tag.local === 'sheetData') {
          inData = false;
          finish(layout.data, start, end);
        } else if (inData) closeData(tag, start, end);
        else if (ranges.at(-1)?.tag === tag) {
          const range = ranges.pop() as LaidRange;
          finish(range, start, end);
          layout.ranges.push(range);
        }
      },
      text(text) {
        sink?.(text);
      },
    },
    part,
    workbook.file,
  );

  function endFormula(tag: XmlTag, start: number, end: number): void {
    if (formula?.tag !== tag) return;
    finish(formula, start, end);
    formula = null;
  }

  function openData(tag: XmlTag): void {
    if (tag.local === 'row') {
      const number = Number(tag.attributes.r);
      row = Number.isInteger(number) && number > 0 ? number : row + 1;
      cells = [];
      column = -1;
      layout.rows.push({ ...span(tag), row, cells });
    } else if (tag.local === 'c') {
      column = (tag.attributes.r === undefined ? null : cellPlace(tag.attributes.r))?.column ?? column + 1;
      cell = { ...span(tag), row, column, formula: null };
      cells.push(cell);
    } else if (tag.local === 'f' && cell) {
      cell.formula = beginFormula(tag);
    }
  }

  function closeData(tag: XmlTag, start: number, end: number): void {
    if (tag.local === 'row') finish(layout.rows.at(-1) as LaidRow, start, end);
    else if (tag.local === 'c' && cell) {
      finish(cell, start, end);
      cell = null;
    }
  }

  return layout;
}

/** Replaces stretches of a text; they may touch, but not overlap: of two that do, the outer one wins. */
export class Splices {
  #items: { start: number; end: number; text: string; order: number }[] = [];

  replace(start: number, end: number, text: string): void {
    this.#items.push({ start, end, text, order: this.#items.length });
  }

  insert(at: number, text: string): void {
    this.replace(at, at, text);
  }

  get size(): number {
    return this.#items.length;
  }

  apply(source: string): string {
    const items = this.#items.sort(
      (a, b) =>
        a.start - b.start || Number(a.end > a.start) - Number(b.end > b.start) || b.end - a.end || a.order - b.order,
    );
    const pieces: string[] = [];
    let at = 0;
    for (const item of items) {
      if (item.start < at) continue;
      pieces.push(source.slice(at, item.start), item.text);
      at = item.end;
    }
    pieces.push(source.slice(at));
    return pieces.join('');
  }
}

/** A start tag's text with an attribute set; `null` takes it away. Everything else of the tag stays as written. */
export function withAttribute(tagText: string, name: string, value: string | null): string {
  const found = new RegExp(`\\s${name}\\s*=\\s*("[^"]*"|'[^']*')`).exec(tagText);
  if (!found) return value === null ? tagText : tagText.replace(/^<[^\s/>]+/, (start) => `${start} ${name}="${value}"`);
  const text = value === null ? '' : ` ${name}="${value}"`;
  return tagText.slice(0, found.index) + text + tagText.slice(found.index + found[0].length);
}
