import { ActionIcon, Button, Checkbox, TextInput } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconX } from '@tabler/icons-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import type { GridController } from './controller.ts';
import { setCells } from './edits.ts';
import classes from './find-bar.module.css';
import { type FindQuery, findAll, matchIndex, nextMatch, replaceText } from './find-replace.ts';
import { type Position, type Rectangle, single } from './selection.ts';

/** Above the grid while it is open; Enter goes to the next match, Shift+Enter to the one before, Escape closes. */
export function FindBar({ controller, readOnly }: { controller: GridController; readOnly: boolean }) {
  const find = useStore(controller.state, (state) => state.find);
  if (find === null) return null;
  return <Bar controller={controller} replacing={find.mode === 'replace' && !readOnly} range={find.within} />;
}

interface BarProps {
  controller: GridController;
  replacing: boolean;
  /** The range that was selected when the bar opened. */
  range: Rectangle | null;
}

function Bar({ controller, replacing, range }: BarProps) {
  const [text, setText] = useState('');
  const [replacement, setReplacement] = useState('');
  const [matchCase, setMatchCase] = useState(false);
  const [wholeCell, setWholeCell] = useState(false);
  const [inRange, setInRange] = useState(false);
  const [edits, setEdits] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const active = useStore(controller.state, (state) => state.selection.active);
  const query: FindQuery = useMemo(
    () => ({ text, matchCase, wholeCell, within: inRange ? range : null }),
    [text, matchCase, wholeCell, inRange, range],
  );
  const { rowIds, columns } = controller.context();
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows, columns and edits are what the texts depend on
  const found = useMemo(
    () => findAll(query, controller.extent(), controller.textAt),
    [query, rowIds, columns, edits, controller],
  );
  const at = matchIndex(found, active);

  function go(backwards: boolean) {
    const next = found[nextMatch(found, active, backwards)];
    if (next !== undefined) controller.select(single(next));
  }
  function close() {
    controller.state.setState({ find: null });
    controller.focus();
  }
  function replace(positions: readonly Position[], label: string) {
    const sheet = controller.sheet();
    const changes = positions.flatMap(({ row, column }) => {
      const rowId = sheet.rowIds[row];
      const columnId = sheet.columns[column]?.id;
      if (rowId === undefined || columnId === undefined) return [];
      return [{ rowId, columnId, value: replaceText(sheet.cell(rowId, columnId), replacement, query) }];
    });
    const edit = setCells(sheet, () => label, changes);
    controller.apply(edit);
    setEdits(edits + 1);
    const count =
      edit?.operations.reduce((sum, operation) => sum + (operation.type === 'set' ? operation.cells.length : 0), 0) ??
      0;
    if (positions.length !== 1) controller.say(`${count.toLocaleString('en-US')} cells changed.`);
  }

  const verdict =
    text === ''
      ? ''
      : found.length === 0
        ? 'No match'
        : at < 0
          ? `${found.length.toLocaleString('en-US')} ${found.length === 1 ? 'cell' : 'cells'}`
          : `${(at + 1).toLocaleString('en-US')} of ${found.length.toLocaleString('en-US')}`;
  return (
    <div
      role="search"
      aria-label="Find in the grid"
      className={classes['bar']}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
        else return;
        event.stopPropagation();
      }}
    >
      <TextInput
        ref={field}
        size="xs"
        w={208}
        value={text}
        placeholder="Find"
        aria-label="Find"
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' || event.key === 'F3') {
            event.preventDefault();
            event.stopPropagation();
            go(event.shiftKey);
          }
        }}
      />
      <ActionIcon size="xs" aria-label="Previous match" disabled={found.length === 0} onClick={() => go(true)}>
        <IconChevronUp size={14} />
      </ActionIcon>
      <ActionIcon size="xs" aria-label="Next match" disabled={found.length === 0} onClick={() => go(false)}>
        <IconChevronDown size={14} />
      </ActionIcon>
      <output className={classes['verdict']}>{verdict}</output>
      {replacing ? (
        <>
          <TextInput
            size="xs"
            w={176}
            value={replacement}
            placeholder="Replace with"
            aria-label="Replace with"
            onChange={(event) => setReplacement(event.currentTarget.value)}
          />
          <Button
            size="xs"
            variant="default"
            disabled={found.length === 0}
            onClick={() => {
              if (at >= 0) replace([found[at] as Position], 'Replace in 1 cell');
              go(false);
            }}
          >
            Replace
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={found.length === 0}
            onClick={() => replace(found, `Replace “${text}”`)}
          >
            Replace all
          </Button>
        </>
      ) : null}
      <Checkbox
        label="Match case"
        checked={matchCase}
        onChange={(event) => setMatchCase(event.currentTarget.checked)}
      />
      <Checkbox
        label="Whole cell"
        checked={wholeCell}
        onChange={(event) => setWholeCell(event.currentTarget.checked)}
      />
      {range === null ? null : (
        <Checkbox
          label="In selection"
          checked={inRange}
          onChange={(event) => setInRange(event.currentTarget.checked)}
        />
      )}
      <span className={classes['grow']} />
      <ActionIcon size="xs" aria-label="Close find" onClick={close}>
        <IconX size={14} />
      </ActionIcon>
    </div>
  );
}
