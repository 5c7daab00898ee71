import { buildXlsx, MAIN, rels } from './build-xlsx.ts';

const R = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const HEADERS = ['source_type', 'source_name', 'table_name', 'load_type', 'enabled', 'chunk_size', 'code', 'since'];

/**
 * A workbook as people make them: a summary with formulas, a chart and a pivot table over our sheet; our sheet with a
 * table, styles, validations (one of them an extension), conditional formats, comments, a merged note, a link and a
 * formula; custom properties, custom XML, a calculation chain.
 */
export async function richWorkbook(options: { totals?: boolean } = {}): Promise<Buffer> {
  const text = (at: string, value: string, style = 0) =>
    `<c r="${at}"${style ? ` s="${style}"` : ''} t="s"><v>${strings.indexOf(value)}</v></c>`;
  const strings = [...HEADERS, 'postgresql', 'shop', 'orders', 'customers', 'items', 'FULL', 'Y', 'N', 'Note', 'Total'];
  const job = (row: number, name: string, enabled: string) =>
    `<row r="${row}" spans="1:9" ht="18" customHeight="1">${text(`A${row}`, 'postgresql', 1)}${text(`B${row}`, 'shop')}${text(`C${row}`, name, 1)}${text(`D${row}`, 'FULL')}${text(`E${row}`, enabled)}<c r="F${row}"><v>100000</v></c><c r="G${row}" s="2"><v>7</v></c><c r="H${row}" s="3"><v>45322</v></c>${row === 4 ? `<c r="I4" t="str"><f>UPPER(C4)</f><v>ITEMS</v></c>` : ''}</row>`;
  const totals = options.totals ? `<row r="5">${text('C5', 'Total')}</row>` : '';
  const last = options.totals ? 5 : 4;
  const sheet = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="${MAIN}" xmlns:r="${R}"><sheetPr><tabColor rgb="FFFF0000"/></sheetPr><dimension ref="A1:H4"/><sheetViews><sheetView tabSelected="1" workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/><cols><col min="1" max="1" width="20" customWidth="1"/><col min="6" max="6" hidden="1"/></cols><sheetData><row r="1">${HEADERS.map((header, i) => text(`${String.fromCharCode(65 + i)}1`, header, 1)).join('')}${text('J1', 'Note')}</row>${job(2, 'orders', 'Y')}${job(3, 'customers', 'N')}${job(4, 'items', 'Y')}${totals}</sheetData><mergeCells count="1"><mergeCell ref="J1:K1"/></mergeCells><conditionalFormatting sqref="A2:H4"><cfRule type="expression" dxfId="0" priority="1"><formula>$E2="N"</formula></cfRule></conditionalFormatting><dataValidations count="2"><dataValidation type="list" allowBlank="1" sqref="D2:D4"><formula1>"FULL,INCREMENTAL"</formula1></dataValidation><dataValidation type="list" sqref="E2:E1000"><formula1>"Y,N"</formula1></dataValidation></dataValidations><hyperlinks><hyperlink ref="B3" r:id="rId4"/></hyperlinks><pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/><legacyDrawing r:id="rId2"/><tableParts count="1"><tablePart r:id="rId1"/></tableParts><extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}" xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"><x14:dataValidations xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main" count="1"><x14:dataValidation type="list"><x14:formula1><xm:f>Summary!$A$1:$A$3</xm:f></x14:formula1><xm:sqref>B2:B4</xm:sqref></x14:dataValidation></x14:dataValidations></ext></extLst></worksheet>`;
  const summary = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="${MAIN}" xmlns:r="${R}"><sheetData><row r="1"><c r="A1" t="s"><v>1</v></c></row><row r="2"><c r="A2"><f>COUNTIF(SourceConfig!E2:E4,"Y")</f><v>2</v></c></row></sheetData><drawing r:id="rId1"/></worksheet>`;
  const table = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<table xmlns="${MAIN}" id="1" name="Jobs" displayName="Jobs" ref="A1:H${last}"${options.totals ? ' totalsRowCount="1"' : ' totalsRowShown="0"'}><autoFilter ref="A1:H4"/><tableColumns count="8">${HEADERS.map((header, i) => `<tableColumn id="${i + 1}" name="${header}"/>`).join('')}</tableColumns><tableStyleInfo name="TableStyleMedium2" showRowStripes="1"/></table>`;
  return await buildXlsx({
    sheets: [
      ['Summary', summary],
      ['SourceConfig', sheet],
      [
        'DataQuality',
        `<row r="1"><c r="A1" t="inlineStr"><is><t>table</t></is></c><c r="B1" t="inlineStr"><is><t>type</t></is></c></row>`,
      ],
    ],
    strings: strings.map((value) => `<si><t>${value}</t></si>`).join(''),
    workbook:
      '<definedNames><definedName name="AllTables">SourceConfig!$C$2:$C$4</definedName><definedName name="_xlnm._FilterDatabase" localSheetId="1" hidden="1">SourceConfig!$A$1:$H$4</definedName></definedNames><pivotCaches><pivotCache cacheId="1" r:id="rId50"/></pivotCaches>',
    workbookRels: `<Relationship Id="rId50" Type="${R}/pivotCacheDefinition" Target="pivotCache/pivotCacheDefinition1.xml"/><Relationship Id="rId51" Type="${R}/calcChain" Target="calcChain.xml"/>`,
    contentTypes:
      '<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/><Override PartName="/xl/tables/table1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.table+xml"/><Override PartName="/xl/comments1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"/><Override PartName="/xl/charts/chart1.xml" ContentType="application/vnd.openxmlformats-officedocument.drawingml.chart+xml"/><Override PartName="/xl/drawings/drawing1.xml" ContentType="application/vnd.openxmlformats-officedocument.drawing+xml"/><Override PartName="/xl/calcChain.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"/>',
    parts: {
      'xl/styles.xml': `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><styleSheet xmlns="${MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="00000"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs><dxfs count="1"><dxf><font><color rgb="FF9C0006"/></font></dxf></dxfs></styleSheet>`,
      'xl/worksheets/_rels/sheet1.xml.rels': rels(
        `<Relationship Id="rId1" Type="${R}/drawing" Target="../drawings/drawing1.xml"/>`,
      ),
      'xl/worksheets/_rels/sheet2.xml.rels': rels(
        `<Relationship Id="rId1" Type="${R}/table" Target="../tables/table1.xml"/><Relationship Id="rId2" Type="${R}/vmlDrawing" Target="../drawings/vmlDrawing1.vml"/><Relationship Id="rId3" Type="${R}/comments" Target="../comments1.xml"/><Relationship Id="rId4" Type="${R}/hyperlink" Target="https://example.com/" TargetMode="External"/>`,
      ),
      'xl/tables/table1.xml': table,
      'xl/comments1.xml': `<comments xmlns="${MAIN}"><authors><author>Ann</author></authors><commentList><comment ref="A2" authorId="0"><text><r><t>ask Bob</t></r></text></comment></commentList></comments>`,
      'xl/drawings/vmlDrawing1.vml':
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel"><v:shape id="_x0000_s1025" type="#_x0000_t202"><x:ClientData ObjectType="Note"><x:Row>1</x:Row><x:Column>0</x:Column></x:ClientData></v:shape></xml>',
      'xl/drawings/drawing1.xml':
        '<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"/>',
      'xl/charts/chart1.xml':
        '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart><c:plotArea><c:barChart><c:ser><c:val><c:numRef><c:f>SourceConfig!$F$2:$F$4</c:f></c:numRef></c:val></c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>',
      'xl/pivotCache/pivotCacheDefinition1.xml': `<pivotCacheDefinition xmlns="${MAIN}"><cacheSource type="worksheet"><worksheetSource ref="A1:H4" sheet="SourceConfig"/></cacheSource></pivotCacheDefinition>`,
      'xl/calcChain.xml': `<calcChain xmlns="${MAIN}"><c r="A2" i="1"/><c r="I4" i="2"/></calcChain>`,
      'customXml/item1.xml': '<kept>exactly   as it was</kept>',
      'docProps/custom.xml':
        '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"/>',
      'xl/media/image1.png': Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4]),
    },
  });
}
