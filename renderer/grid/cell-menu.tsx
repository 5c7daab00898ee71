import { Menu } from '@mantine/core';
import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import type { GridController } from './controller.ts';
import classes from './data-grid.module.css';
import { rectangle } from './selection.ts';

/** What can be done to the selected rows and cells; right click, Shift+F10 or the menu key. */
export function CellMenu({ controller, readOnly }: { controller: GridController; readOnly: boolean }) {
  const menu = useStore(controller.state, (state) => state.cellMenu);
  if (menu === null) return null;
  const { selection } = controller.state.getState();
  const close = () => {
    controller.state.setState({ cellMenu: null });
    controller.focus();
  };
  const { top, bottom } = rectangle(selection);
  const count = bottom - top + 1;
  const rows = count === 1 ? 'row' : `${count.toLocaleString('en-US')} rows`;
  const item = (label: string, shortcut: string | null, run: () => void, disabled = readOnly) => (
    <Item label={label} shortcut={shortcut} disabled={disabled} onClick={run} />
  );
  const clipboard = (command: 'copy' | 'cut') => () => {
    controller.focus();
    // The one way to the clipboard that asks for no permission.
    document.execCommand(command);
  };
  return (
    <Menu
      opened
      onChange={(opened) => {
        if (!opened) close();
      }}
      position="bottom-start"
      offset={0}
      width={224}
      returnFocus={false}
      withInitialFocusPlaceholder={false}
      // Mantine would close it by the very key that opened it.
      clickOutsideEvents={['mousedown', 'touchstart']}
    >
      <Menu.Target>
        <button
          type="button"
          tabIndex={-1}
          aria-label="Cell menu"
          className={classes['fixedAnchor']}
          style={{ left: menu.x, top: menu.y }}
        />
      </Menu.Target>
      <Menu.Dropdown>
        {item('Cut', 'Ctrl+X', clipboard('cut'))}
        {item('Copy', 'Ctrl+C', clipboard('copy'), false)}
        {item('Fill down', 'Ctrl+D', () => controller.run({ type: 'fill', direction: 'down' }))}
        {item('Clear cells', 'Del', () => controller.run({ type: 'clear' }))}
        <Menu.Divider />
        {item(`Insert ${rows} above`, 'Ctrl+Shift++', () => controller.insert('above'))}
        {item(`Insert ${rows} below`, null, () => controller.insert('below'))}
        {item(`Duplicate ${rows}`, 'Ctrl+Shift+D', () => controller.duplicate())}
        {item('Move up', 'Alt+Shift+↑', () => controller.run({ type: 'move-rows', direction: 'up' }))}
        {item('Move down', 'Alt+Shift+↓', () => controller.run({ type: 'move-rows', direction: 'down' }))}
        <Menu.Divider />
        {item(`Delete ${rows}`, 'Ctrl+−', () => controller.removeRows())}
      </Menu.Dropdown>
    </Menu>
  );
}

interface ItemProps {
  label: string;
  shortcut: string | null;
  disabled: boolean;
  onClick(): void;
}

function Item({ label, shortcut, disabled, onClick }: ItemProps): ReactNode {
  return (
    <Menu.Item
      disabled={disabled}
      onClick={onClick}
      rightSection={shortcut === null ? null : <Shortcut text={shortcut} />}
    >
      {label}
    </Menu.Item>
  );
}

function Shortcut({ text }: { text: string }) {
  return <span className={classes['detail']}>{text}</span>;
}
