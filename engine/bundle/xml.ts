import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { messageOf } from '../errors.ts';
import { damaged } from './zip.ts';

/** An element as it is met. Positions count UTF-16 units of the text, so that a part can be edited in place. */
export interface XmlTag {
  /** With its prefix, as written. */
  name: string;
  local: string;
  /** Namespace. */
  uri: string;
  /** By written name; relationships' ids go by {@link attribute}. */
  attributes: Record<string, string>;
  /** Where `<` stands. */
  start: number;
  /** Behind the `>` of the start tag. */
  end: number;
  selfClosing: boolean;
}

export interface XmlHandlers {
  open?: (tag: XmlTag) => void;
  /** `start` and `end` are the end tag's own; for `<a/>` both are behind it. */
  close?: (tag: XmlTag, start: number, end: number) => void;
  text?: (text: string) => void;
}

/**
 * Reads XML from begin to end. Document type declarations are refused, and with them external and recursive entities.
 * @throws IngestError `WORKBOOK_DAMAGED` naming the part and the line.
 */
export function readXml(xml: string, handlers: XmlHandlers, part: string, file: string): void {
  const parser = new SaxesParser();
  const namespaces = new Map<string, string>([['xml', 'http://www.w3.org/XML/1998/namespace']]);
  const open: { tag: XmlTag; undo: [string, string | undefined][] | null }[] = [];
  let refused = false;
  parser.on('doctype', () => {
    refused = true;
    throw damaged(file, `part ${part} holds a document type declaration (DTD), which no spreadsheet program writes`);
  });
  parser.on('opentag', (plain: SaxesTagPlain) => {
    const undo = declare(plain.attributes, namespaces);
    const colon = plain.name.indexOf(':');
    const end = parser.position;
    const tag: XmlTag = {
      name: plain.name,
      local: colon < 0 ? plain.name : plain.name.slice(colon + 1),
      uri: namespaces.get(colon < 0 ? '' : plain.name.slice(0, colon)) ?? '',
      attributes: plain.attributes,
      // `<` cannot stand inside a tag, so the last one before the end opened it.
      start: xml.lastIndexOf('<', end - 1),
      end,
      selfClosing: plain.isSelfClosing,
    };
    open.push({ tag, undo });
    handlers.open?.(tag);
  });
  parser.on('closetag', () => {
    const { tag, undo } = open.pop() as (typeof open)[number];
    const end = parser.position;
    handlers.close?.(tag, tag.selfClosing ? end : xml.lastIndexOf('<', end - 1), end);
    for (const [prefix, uri] of undo ?? []) {
      if (uri === undefined) namespaces.delete(prefix);
      else namespaces.set(prefix, uri);
    }
  });
  if (handlers.text) {
    parser.on('text', handlers.text);
    parser.on('cdata', handlers.text);
  }
  try {
    parser.write(xml).close();
  } catch (error) {
    if (refused) throw error;
    const place = /^(?:undefined:)?(\d+):\d+: (.*)/s.exec(messageOf(error));
    if (!place) throw error;
    throw damaged(file, `part ${part}, line ${place[1]}: ${place[2]?.replace(/\.$/, '')}`, error);
  }
}

function declare(attributes: Record<string, string>, namespaces: Map<string, string>) {
  let undo: [string, string | undefined][] | null = null;
  for (const name in attributes) {
    // The first letter decides for nearly all of them.
    if (name.charCodeAt(0) !== 0x78 || !name.startsWith('xmlns') || (name.length > 5 && name[5] !== ':')) continue;
    const prefix = name.slice(6);
    undo ??= [];
    undo.push([prefix, namespaces.get(prefix)]);
    namespaces.set(prefix, attributes[name] as string);
  }
  return undo;
}

/** An attribute by its local name, whatever its prefix (`r:id`, `rel:id`). The unprefixed one wins unless `prefixed`. */
export function attribute(tag: XmlTag, local: string, prefixed = false): string | undefined {
  if (!prefixed && tag.attributes[local] !== undefined) return tag.attributes[local];
  for (const name in tag.attributes) if (name.endsWith(`:${local}`)) return tag.attributes[name];
  return undefined;
}

/** XML bytes as text: UTF-8 or UTF-16 by byte order mark, else as the declaration says. */
export function decodeXml(bytes: Buffer, part: string, file: string): string {
  let encoding = 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) encoding = 'utf-16le';
  else if (bytes[0] === 0xfe && bytes[1] === 0xff) encoding = 'utf-16be';
  else encoding = /^<\?xml[^>]*encoding=["']([\w.-]+)["']/.exec(bytes.toString('latin1', 0, 200))?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw damaged(file, `part ${part} is not ${encoding} text`, error);
  }
}

/** XML bytes of an edited text, always UTF-8. */
export function encodeXml(xml: string): Buffer {
  return Buffer.from(xml.replace(/^(<\?xml[^>]*encoding=)(["'])[\w.-]+\2/, '$1$2UTF-8$2'));
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for an element or a double-quoted attribute. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ENTITIES[char] as string);
}
