import type { DiscoveredColumn } from '../source.ts';
import { isObject } from './json-path.ts';
import { detectSelector } from './records.ts';

export type Schema = Record<string, unknown>;

export interface OperationParameter {
  name: string;
  place: 'query' | 'path' | 'header' | 'cookie' | 'body';
  required: boolean;
  description: string | null;
}

/** A GET of a document. */
export interface Operation {
  path: string;
  summary: string | null;
  parameters: OperationParameter[];
  /** Schema of the first 2xx response; null where it has none. */
  response: Schema | null;
  /** Response headers, names in lower case. */
  headers: string[];
}

/** Deeper schemas hold themselves. */
const MAX_DEPTH = 12;

/** An OpenAPI 3.x or Swagger 2.0 document, its references followed within it. */
export class OpenApiDocument {
  readonly #root: Schema;

  constructor(root: Schema) {
    this.#root = root;
  }

  /** Path of the first server, without a slash at its end. */
  get basePath(): string {
    if (typeof this.#root.basePath === 'string') return this.#root.basePath.replace(/\/+$/, '');
    const [server] = Array.isArray(this.#root.servers) ? this.#root.servers : [];
    const url = isObject(server) && typeof server.url === 'string' ? server.url : '';
    return URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost').pathname.replace(/\/+$/, '') : '';
  }

  operations(): Operation[] {
    return Object.entries(this.#root.paths as Schema).flatMap(([path, item]) => {
      const entry = this.resolve(item);
      const get = this.resolve(entry?.get);
      if (!entry || !get) return [];
      const { schema, headers } = this.#response(get);
      const summary = get.summary ?? get.description;
      return [
        {
          path,
          summary:
            typeof summary === 'string' && summary !== '' ? (summary.split('\n')[0] as string).slice(0, 200) : null,
          parameters: this.#parameters([entry.parameters, get.parameters]),
          response: schema,
          headers,
        },
      ];
    });
  }

  /** A schema or another object with its reference followed and its `allOf` merged; null where it is none. */
  resolve(value: unknown, depth = 0): Schema | null {
    if (!isObject(value) || depth > MAX_DEPTH) return null;
    if (typeof value.$ref === 'string') return this.resolve(this.#at(value.$ref), depth + 1);
    const parts = ['allOf', 'oneOf', 'anyOf'].flatMap((key) => {
      const list = value[key];
      if (!Array.isArray(list)) return [];
      // Of alternatives the first that is not null stands for all.
      return key === 'allOf' ? list : list.filter((part) => !isObject(part) || part.type !== 'null').slice(0, 1);
    });
    if (parts.length === 0) return value;
    const merged: Schema = { ...value, properties: { ...(isObject(value.properties) ? value.properties : {}) } };
    for (const part of parts) {
      const resolved = this.resolve(part, depth + 1);
      if (!resolved) continue;
      for (const [key, own] of Object.entries(resolved)) if (key !== 'properties') merged[key] ??= own;
      Object.assign(merged.properties as Schema, resolved.properties);
    }
    return merged;
  }

  /** The schema of one record of a response, and the path to the records; null where it cannot be told. */
  records(response: Schema | null): { record: Schema | null; selector: string | null } {
    const schema = this.resolve(response);
    if (!schema) return { record: null, selector: null };
    if (isList(schema)) return { record: this.resolve(schema.items), selector: '$' };
    // The selector of a response that looks like the schema.
    try {
      const selector = detectSelector(this.#example(schema, 0), false);
      let at: Schema | null = schema;
      for (const part of selector.split('.')) at = this.resolve((at?.properties as Schema | undefined)?.[part]);
      return { record: this.resolve(at?.items), selector };
    } catch {
      return { record: schema, selector: null };
    }
  }

  /** Objects and lists of a schema with one empty object in each list of objects. */
  #example(schema: Schema, depth: number): unknown {
    if (isList(schema)) return isTableLike(this.resolve(schema.items)) ? [{}] : [];
    if (depth > 3 || !isObject(schema.properties)) return null;
    return Object.fromEntries(
      Object.entries(schema.properties).map(([key, value]) => {
        const inner = this.resolve(value);
        return [key, inner ? this.#example(inner, depth + 1) : null];
      }),
    );
  }

  #at(reference: string): unknown {
    if (!reference.startsWith('#/')) return null;
    let at: unknown = this.#root;
    for (const part of reference.slice(2).split('/')) {
      const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
      at = isObject(at) ? at[key] : undefined;
    }
    return at;
  }

  #response(get: Schema): { schema: Schema | null; headers: string[] } {
    const responses = isObject(get.responses) ? get.responses : {};
    const status = Object.keys(responses).find((code) => /^2/.test(code)) ?? 'default';
    const response = this.resolve(responses[status]);
    const headers = isObject(response?.headers) ? Object.keys(response.headers).map((name) => name.toLowerCase()) : [];
    // Swagger 2.0 has the schema right here.
    if (isObject(response?.schema)) return { schema: response.schema, headers };
    const content = isObject(response?.content) ? response.content : {};
    const type = Object.keys(content).find((name) => /json/i.test(name)) ?? Object.keys(content)[0];
    const media = type === undefined ? null : content[type];
    return { schema: isObject(media) && isObject(media.schema) ? media.schema : null, headers };
  }

  #parameters(lists: unknown[]): OperationParameter[] {
    const found = new Map<string, OperationParameter>();
    for (const item of lists.flatMap((list) => (Array.isArray(list) ? list : []))) {
      const parameter = this.resolve(item);
      if (typeof parameter?.name !== 'string') continue;
      const place = ['query', 'path', 'header', 'cookie', 'body'].find((known) => known === parameter.in) ?? 'query';
      found.set(`${place} ${parameter.name}`, {
        name: parameter.name,
        place: place as OperationParameter['place'],
        required: parameter.required === true,
        description: typeof parameter.description === 'string' ? parameter.description : null,
      });
    }
    return [...found.values()];
  }
}

function typeOf(schema: Schema | null): string {
  const { type } = schema ?? {};
  const named = Array.isArray(type) ? type.find((item) => item !== 'null') : type;
  return typeof named === 'string' ? named : '';
}

function isList(schema: Schema): boolean {
  return typeOf(schema) === 'array' || (isObject(schema.items) && typeOf(schema) === '');
}

function isTableLike(schema: Schema | null): boolean {
  return typeOf(schema) === 'object' || isObject(schema?.properties);
}

/** The fields of a record with their types as the document has them. */
export function columnsOf(
  document: OpenApiDocument,
  record: Schema | null,
): (DiscoveredColumn & { isTime: boolean })[] {
  const properties = isObject(record?.properties) ? record.properties : {};
  const required = Array.isArray(record?.required) ? record.required : [];
  return Object.entries(properties).map(([name, value]) => {
    const schema = document.resolve(value);
    const type = typeOf(schema) || (isTableLike(schema) ? 'object' : 'any');
    const format = typeof schema?.format === 'string' ? schema.format : null;
    const isNullable =
      schema?.nullable === true ||
      (Array.isArray(schema?.type) && schema.type.includes('null')) ||
      !required.includes(name);
    return {
      name,
      sourceType: format === null ? type : `${type} (${format})`,
      nullable: isNullable,
      comment: typeof schema?.description === 'string' ? schema.description : null,
      isTime: format === 'date-time' || format === 'date' || format === 'timestamp',
    };
  });
}
