import { IngestError } from '../errors.ts';
import { cellName, cellPlace, encodeCellText } from './cell-text.ts';
import { mapRanges } from './row-map.ts';
import { Splices, withAttribute } from './sheet-layout.ts';
import { growingSpan, rowMapOf, type SheetEdits, type SheetFacts } from './workbook-edits.ts';
import { isMain, type WorkbookPackage } from './workbook-package.ts';
import { readXml, type XmlTag } from './xml.ts';

export interface TableLayout {
  /** The table's own tag and those of its filter and sort, each with its `ref`; `totals` is 1 where a totals row ends it. */
  ranges: { tag: XmlTag; totals: number }[];
  columns: XmlTag[];
  headerRow: number;
  /** 0-based. */
  firstColumn: number;
}

/** Scans a table's XML. */
export function layOutTable(xml: string, part: string, workbook: WorkbookPackage): TableLayout {
  const layout: TableLayout = { ranges: [], columns: [], headerRow: 0, firstColumn: 0 };
  readXml(
    xml,
    {
      open(tag) {
        if (!isMain(tag.uri)) return;
        if (tag.local === 'table') {
          const first = cellPlace((tag.attributes.ref ?? '').split(':')[0] ?? '');
          // A table may hide its header row; its first row is then data.
          if (first && tag.attributes.headerRowCount !== '0') layout.headerRow = first.row;
          layout.firstColumn = first?.column ?? 0;
          layout.ranges.push({ tag, totals: Number(tag.attributes.totalsRowCount ?? 0) });
        } else if (tag.local === 'autoFilter' || tag.local === 'sortState' || tag.local === 'sortCondition') {
          if (tag.attributes.ref !== undefined) layout.ranges.push({ tag, totals: 0 });
        } else if (tag.local === 'tableColumn') {
          layout.columns.push(tag);
        }
      },
    },
    part,
    workbook.file,
  );
  return layout;
}

/** A sheet's table (`tables/tableN.xml`): its range follows the rows, its column names follow the headers. */
export function editTableXml(
  xml: string,
  part: string,
  edits: SheetEdits,
  facts: SheetFacts,
  workbook: WorkbookPackage,
): string {
  const layout = layOutTable(xml, part, workbook);
  const map = rowMapOf(edits);
  const splices = new Splices();
  const grow = growingSpan(edits, map, facts);
  for (const { tag, totals } of layout.ranges) {
    const text = tag.attributes.ref ?? '';
    const mapped = mapRanges(text, (span) => {
      const grown = grow(span);
      if (!grown || tag.local !== 'table') return grown;
      // A table keeps one row below its header, if only an empty one; a totals row is its last.
      return { first: grown.first, last: Math.max(grown.last, grown.first + 1 + totals) };
    });
    if (mapped && mapped !== text)
      splices.replace(tag.start, tag.end, withAttribute(xml.slice(tag.start, tag.end), 'ref', mapped));
  }
  const names = layout.columns.map((tag) => tag.attributes.name ?? '');
  for (const [index, tag] of layout.columns.entries()) {
    const text = edits.sets.get(layout.headerRow)?.get(layout.firstColumn + index);
    if (text === undefined || text === names[index]) continue;
    names[index] = text;
    const lower = names.map((name) => name.toLowerCase());
    if (text === '' || new Set(lower).size < lower.length) {
      throw new IngestError(
        'EDIT_INVALID',
        `${facts.name}: the table's header ${cellName(layout.firstColumn + index, layout.headerRow)} would be ${text === '' ? 'blank' : `"${text}" a second time`}.`,
        {
          hint: 'Each column of a table has a header of its own.',
        },
      );
    }
    const name = encodeCellText(text).replaceAll('\n', '_x000a_').replaceAll('\t', '_x0009_');
    splices.replace(tag.start, tag.end, withAttribute(xml.slice(tag.start, tag.end), 'name', name));
  }
  return splices.size === 0 ? xml : splices.apply(xml);
}
