import { IconBraces, IconDatabase, IconFileDatabase, IconFolder, IconStack2 } from '@tabler/icons-react';
import classes from './connections-screen.module.css';

const ICONS: Readonly<Record<string, typeof IconDatabase>> = {
  api: IconBraces,
  filesystem: IconFolder,
  duckdb: IconFileDatabase,
  databricks: IconStack2,
};

/** The sign of a kind of connection, on its tile. */
export function KindIcon({ type }: { type: string }) {
  const Icon = ICONS[type] ?? IconDatabase;
  return (
    <span className={classes.tile} aria-hidden="true">
      <Icon size={16} stroke={1.6} />
    </span>
  );
}
