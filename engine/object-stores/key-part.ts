const RESERVED_ON_WINDOWS = /^(con|prn|aux|nul|com\d|lpt\d)(?=$|\.)/i;

/** Any name (a schema's, a table's) as one part of a key: as it is where every file system takes it, else percent-encoded. */
export function keyPart(name: string): string {
  const percent = (character: string) =>
    `%${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}`;
  const legal = [...name].map((character) =>
    character < ' ' || '<>:"/\\|?*%'.includes(character) ? percent(character) : character,
  );
  return legal
    .join('')
    .replace(/[. ]$/, percent)
    .replace(RESERVED_ON_WINDOWS, (word) => percent(word) + word.slice(1));
}
