/** The application's sign: rows that go down into a table. */
export function Glyph({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 44 44" aria-hidden="true">
      <rect width="44" height="44" rx="10" fill="var(--is-accent)" />
      <g fill="none" stroke="#fff" strokeWidth="3.6" strokeLinecap="round" strokeLinejoin="round">
        <path d="M11 13.5h22M11 22h13M11 30.5h7" />
        <path d="M31 21v11M26.5 28l4.5 4.5 4.5-4.5" />
      </g>
    </svg>
  );
}
