import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { shownError } from '../actions/project-commands.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import classes from './screen-boundary.module.css';

/** A screen that breaks says so; the others, and what is not saved, stay. */
export class ScreenBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div className={classes['place']}>
        <ErrorCard
          title="This screen cannot be shown"
          error={{
            ...shownError(error),
            hint: 'Your edits are kept. Show the screen again, or save from the File menu and restart.',
          }}
          actions={
            <Button size="xs" variant="default" onClick={() => this.setState({ error: null })}>
              Show it again
            </Button>
          }
        />
      </div>
    );
  }
}
