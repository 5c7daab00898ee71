import { Kbd, Menu, UnstyledButton } from '@mantine/core';
import { IconCheck, IconChevronDown, IconSearch } from '@tabler/icons-react';
import { Fragment, type KeyboardEvent, useState } from 'react';
import { useStore } from 'zustand';
import { type Action, shortcutText } from '../actions/action.ts';
import { runAction } from '../actions/actions.ts';
import { useApp, useConnections, useProject, useSettings, useWindow } from '../app.ts';
import { isUnsaved } from '../stores/connection-store.ts';
import { Glyph } from './glyph.tsx';
import classes from './title-bar.module.css';

const MENUS = ['File', 'Edit', 'View', 'Run', 'Help'] as const;

/** Menus, the palette's field, what is not saved, the environment. The system draws its window buttons over one end of it. */
export function TitleBar() {
  const app = useApp();
  const document = useProject((state) => state.document);
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const desktop = useSettings((state) => state.about?.host === 'desktop');
  return (
    <header className={classes['bar']} data-mac={mac || undefined} data-desktop={desktop || undefined}>
      <Glyph size={18} />
      <MenuBar mac={mac} />
      <div className={classes['centre']}>
        <UnstyledButton className={classes['palette']} onClick={() => app.window.setState({ paletteOpen: true })}>
          <IconSearch size={14} aria-hidden />
          <span className={`${classes['paletteText']} truncate`}>
            {document === null ? null : <span className={classes['project']}>{document.name}</span>}
            {document === null ? 'Search or run a command' : ' — search or run a command'}
          </span>
          <Kbd>{shortcutText('Mod+K', mac)}</Kbd>
        </UnstyledButton>
      </div>
      <div className={classes['end']}>
        {document === null ? null : (
          <>
            <Unsaved />
            <EnvironmentSwitcher />
          </>
        )}
      </div>
    </header>
  );
}

function MenuBar({ mac }: { mac: boolean }) {
  const [opened, setOpened] = useState<string | null>(null);
  function onKeyDown(event: KeyboardEvent): void {
    if (opened === null || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
    const at = MENUS.indexOf(opened as (typeof MENUS)[number]);
    event.preventDefault();
    setOpened(MENUS[(at + (event.key === 'ArrowRight' ? 1 : -1) + MENUS.length) % MENUS.length] ?? null);
  }
  return (
    <nav aria-label="Menus" className={classes['menus']} onKeyDown={onKeyDown}>
      {MENUS.map((menu) => (
        <Menu
          key={menu}
          position="bottom-start"
          opened={opened === menu}
          onChange={(open) => setOpened(open ? menu : (now) => (now === menu ? null : now))}
          width={280}
        >
          <Menu.Target>
            <UnstyledButton
              className={classes['menu']}
              data-open={opened === menu || undefined}
              onPointerEnter={() => opened !== null && setOpened(menu)}
            >
              {menu}
            </UnstyledButton>
          </Menu.Target>
          <Menu.Dropdown onKeyDown={onKeyDown}>
            {opened === menu ? <MenuItems menu={menu} mac={mac} /> : null}
          </Menu.Dropdown>
        </Menu>
      ))}
    </nav>
  );
}

function MenuItems({ menu, mac }: { menu: Action['menu']; mac: boolean }) {
  const { actions } = useApp();
  const items = actions.filter((item) => item.menu === menu);
  return items.map((item, index) => (
    <Fragment key={item.id}>
      {index > 0 && items[index - 1]?.section !== item.section ? <Menu.Divider /> : null}
      <Menu.Item
        disabled={!item.enabled()}
        leftSection={
          <span className={classes['check']}>
            {item.checked?.() === true ? <IconCheck size={14} aria-label="on" /> : null}
          </span>
        }
        rightSection={
          item.shortcuts[0] === undefined ? null : (
            <span className={classes['shortcut']}>{shortcutText(item.shortcuts[0], mac)}</span>
          )
        }
        // The menu gives the focus back when it closes; what the command focuses comes after that.
        onClick={() => setTimeout(() => void item.run())}
      >
        {item.label}
      </Menu.Item>
    </Fragment>
  ));
}

function Unsaved() {
  const app = useApp();
  const changes = useProject((state) => state.unsaved);
  const drafts = useConnections((state) => state.drafts);
  const requests = useStore(app.api, (state) => Object.keys(state.drafts).length);
  const unsaved = changes + Object.values(drafts).filter(isUnsaved).length + requests;
  const readOnly = useProject((state) => state.document?.readOnly ?? null);
  const busy = useWindow((state) => state.busy);
  if (busy !== null) return <span className={classes['unsaved']}>{busy}</span>;
  if (unsaved === 0)
    return (
      <span className={`${classes['unsaved']} faint`}>{readOnly === null ? 'All changes saved' : 'Read-only'}</span>
    );
  return (
    <UnstyledButton className={classes['unsaved']} onClick={() => runAction(app.actions, 'project.save')} title="Save">
      <span className={classes['dot']} aria-hidden />
      <span>
        <span className="num">{unsaved}</span> unsaved
        <span className={classes['wide']}> {unsaved === 1 ? 'change' : 'changes'}</span>
      </span>
      <span className="sr">, save</span>
    </UnstyledButton>
  );
}

function EnvironmentSwitcher() {
  const { commands } = useApp();
  const env = useProject((state) => state.document?.env ?? null);
  const environments = useProject((state) => state.document?.environments);
  if (environments === undefined || environments.length === 0) return null;
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <UnstyledButton className={classes['environment']} aria-label={`Environment: ${env ?? 'none'}`}>
          <span className="faint">env</span> {env ?? 'none'} <IconChevronDown size={12} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Laid over .dlt/config.toml</Menu.Label>
        {[null, ...environments].map((name) => (
          <Menu.Item
            key={name ?? ''}
            leftSection={
              <span className={classes['check']}>{name === env ? <IconCheck size={14} aria-label="on" /> : null}</span>
            }
            onClick={() => void commands.switchEnvironment(name)}
          >
            {name ?? 'none'}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
