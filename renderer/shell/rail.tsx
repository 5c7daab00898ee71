import { UnstyledButton } from '@mantine/core';
import { useApp, useProject, useRuns, useWindow } from '../app.ts';
import classes from './rail.module.css';
import { type Place, RAIL, SETTINGS_PLACE } from './screens.tsx';

/** The places of the window, with what asks for attention there. */
export function Rail() {
  return (
    <nav className={classes['rail']} aria-label="Places">
      {RAIL.map((group) => (
        <ul key={group[0]?.id}>
          {group.map((place) => (
            <Item key={place.id} place={place} />
          ))}
        </ul>
      ))}
      <span className="grow" />
      <ul>
        <Item place={SETTINGS_PLACE} />
      </ul>
    </nav>
  );
}

function Item({ place }: { place: Place }) {
  const { id, label, icon: Icon, always = false } = place;
  const { window } = useApp();
  const screen = useWindow((state) => state.screen);
  const open = useProject((state) => state.document !== null);
  const errors = useProject((state) => (id === 'jobs' ? state.errors : 0));
  const running = useRuns((state) => id === 'runs' && state.live?.status === 'RUNNING');
  const enabled = open || always;
  const active = screen === id && enabled;
  return (
    <li>
      <UnstyledButton
        className={classes['item']}
        data-active={active || undefined}
        aria-current={active ? 'page' : undefined}
        disabled={!enabled}
        onClick={() => window.go(id)}
        title={label}
      >
        <span className={classes['icon']}>
          <Icon size={20} stroke={1.6} aria-hidden />
          {errors > 0 ? (
            <span className={classes['badge']}>
              {errors > 99 ? '99+' : errors}
              <span className="sr"> {errors === 1 ? 'error' : 'errors'}, </span>
            </span>
          ) : null}
          {running ? <span className={classes['pulse']} role="img" aria-label="running" /> : null}
        </span>
        <span className={classes['label']}>{label}</span>
      </UnstyledButton>
    </li>
  );
}
