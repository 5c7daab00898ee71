/** The room of a table's rows that are not drawn, in pixels; see `use-long-table.ts`. */
export function UndrawnRows({ height, columns }: { height: number; columns: number }) {
  if (height === 0) return null;
  return (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}
