/**
 * The target of a relation in a `Link` header (RFC 8288), as it is written there: absolute or relative.
 * Null where no link has the relation. Several headers may be joined with commas.
 */
export function linkTarget(header: string | null, relation: string): string | null {
  if (header === null) return null;
  let rest = header;
  for (;;) {
    const start = /^[\s,]*<([^>]*)>/.exec(rest);
    if (!start) return null;
    rest = rest.slice(start[0].length);
    const relations: string[] = [];
    for (;;) {
      const parameter = /^\s*;\s*([^\s=;,]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,]*)))?/.exec(rest);
      if (!parameter) break;
      rest = rest.slice(parameter[0].length);
      const value = parameter[2]?.replace(/\\(.)/g, '$1') ?? parameter[3] ?? '';
      // The first rel counts (RFC 8288 section 3.3).
      if (parameter[1]?.toLowerCase() === 'rel' && relations.length === 0)
        relations.push(...value.toLowerCase().split(/\s+/));
    }
    if (relations.includes(relation.toLowerCase())) return start[1] ?? '';
    if (!/^\s*,/.test(rest)) return null;
  }
}
