import { Button } from '@mantine/core';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import type { Picked } from '../../stores/preview-store.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { type PathAction, shownPath } from './path-actions.ts';
import classes from './path-popover.module.css';

/** The JSONPath of a clicked value and what it can become of the job. Escape and a click elsewhere close it. */
export function PathPopover({
  picked,
  actions,
  onAction,
  onClose,
}: {
  picked: Picked;
  actions: readonly PathAction[];
  onAction(action: PathAction): void;
  onClose(): void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: picked.at.x, top: picked.at.y });
  useLayoutEffect(() => {
    const size = box.current?.getBoundingClientRect();
    if (size === undefined) return;
    const below = picked.at.y + size.height + 8 <= innerHeight;
    setPlace({
      left: Math.max(8, Math.min(picked.at.x, innerWidth - size.width - 8)),
      top: below ? picked.at.y : Math.max(8, picked.at.y - size.height - 32),
    });
  }, [picked]);
  // The keyboard goes on in here, and afterwards where it was.
  useEffect(() => {
    const before = document.activeElement;
    box.current?.querySelector<HTMLElement>('ul button, button')?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  useEffect(() => {
    function onPointerDown({ target }: PointerEvent): void {
      if (!(target instanceof Node) || !box.current?.contains(target)) onClose();
    }
    addEventListener('pointerdown', onPointerDown);
    return () => removeEventListener('pointerdown', onPointerDown);
  }, [onClose]);
  const path = shownPath(picked.steps);
  return createPortal(
    <div
      ref={box}
      className={classes['popover']}
      style={place}
      role="dialog"
      aria-label={`Path ${path}`}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        onClose();
      }}
    >
      <div className="row">
        <code className={`${classes['path']} mono`}>{path}</code>
        <CopyButton text={path} label="path" />
      </div>
      <p className={`${classes['value']} mono`}>{valueText(picked.value)}</p>
      {actions.length === 0 ? <p className="small dim">Nothing of the job can be taken from this value.</p> : null}
      <ul className={classes['actions']}>
        {actions.map((action) => (
          <li key={action.id}>
            <Button size="xs" variant="subtle" justify="flex-start" fullWidth onClick={() => onAction(action)}>
              {action.label}
            </Button>
          </li>
        ))}
      </ul>
    </div>,
    document.body,
  );
}

function valueText(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : JSON.stringify(value ?? null);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
