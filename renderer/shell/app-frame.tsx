import { Loader } from '@mantine/core';
import { IconHourglassLow } from '@tabler/icons-react';
import { Suspense, useEffect } from 'react';
import { isStroke } from '../actions/action.ts';
import { runAction } from '../actions/actions.ts';
import { useApp, useProject, useSettings, useWindow } from '../app.ts';
import { bridge } from '../bridge.ts';
import { EmptyState } from '../ui/empty-state.tsx';
import classes from './app-frame.module.css';
import { Banners } from './banners.tsx';
import { Dialogs } from './dialogs.tsx';
import { IssuesPanel } from './issues-panel.tsx';
import { Palette } from './palette.tsx';
import { Rail } from './rail.tsx';
import { ScreenBoundary } from './screen-boundary.tsx';
import { ARRIVES, RAIL, screenComponent } from './screens.tsx';
import { SignInDialog } from './sign-in-dialog.tsx';
import { StatusBar } from './status-bar.tsx';
import { TitleBar } from './title-bar.tsx';
import { Toasts } from './toasts.tsx';

/** Title bar, rail, the screen, status bar, and what floats above them. */
export function AppFrame() {
  const app = useApp();
  const about = useSettings((state) => state.about);
  const announcement = useWindow((state) => state.announcement);
  useKeys();
  useEffect(() => bridge.onMenu((id) => runAction(app.actions, id)), [app]);
  useDrops();
  return (
    <div className={classes['frame']} data-platform={about?.platform} data-host={about?.host}>
      <TitleBar />
      <Rail />
      <div className={classes['main']}>
        <Banners />
        <main className={classes['screen']}>
          <Screen />
        </main>
        <IssuesPanel />
      </div>
      <StatusBar />
      <Toasts />
      <Palette />
      <Dialogs />
      <SignInDialog />
      <output className="sr" aria-live="polite">
        {announcement}
      </output>
    </div>
  );
}

function Screen() {
  const screen = useWindow((state) => state.screen);
  const open = useProject((state) => state.document !== null);
  const shown = open || screen === 'settings' ? screen : 'welcome';
  const Component = screenComponent(shown);
  if (Component === null) {
    const label = RAIL.flat().find(({ id }) => id === shown)?.label ?? shown;
    return (
      <EmptyState icon={<IconHourglassLow size={24} />} title={`${label} arrives in a later version`}>
        {ARRIVES[shown]}
      </EmptyState>
    );
  }
  return (
    <ScreenBoundary key={shown}>
      <Suspense fallback={<Loader size="sm" className={classes['loader']} aria-label="Loading" />}>
        <Component />
      </Suspense>
    </ScreenBoundary>
  );
}

/** Opens a folder, a workbook or a project's file that is dropped onto the window, or double-clicked in the system. */
function useDrops(): void {
  const app = useApp();
  useEffect(() => {
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const isBusy = () => app.window.getState().dialog !== null;
    function onDragOver(event: DragEvent): void {
      if (!holdsFiles(event) || event.dataTransfer === null) return;
      // Else the browser would show the file in place of the window.
      event.preventDefault();
      event.dataTransfer.dropEffect = isBusy() ? 'none' : 'copy';
    }
    function onDrop(event: DragEvent): void {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      if (app.settings.getState().about?.host === 'web') {
        app.window.toast({
          tone: 'info',
          title: 'A browser does not tell where a file lies',
          text: 'Use File › Open folder or workbook.',
        });
      }
    }
    addEventListener('dragover', onDragOver);
    addEventListener('drop', onDrop);
    const stop = bridge.onOpen((path) => {
      if (!isBusy()) void app.commands.open(path);
      else
        app.window.toast({
          tone: 'info',
          title: 'Nothing was opened',
          text: 'Finish the dialog first, then open it again.',
        });
    });
    return () => {
      removeEventListener('dragover', onDragOver);
      removeEventListener('drop', onDrop);
      stop();
    };
  }, [app]);
}

/** Listens to the shortcuts of all actions. */
function useKeys(): void {
  const app = useApp();
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.isComposing) return;
      const { dialog, paletteOpen } = app.window.getState();
      if (dialog !== null || paletteOpen) return;
      const mac = app.settings.getState().about?.platform === 'darwin';
      const found = app.actions.find(
        ({ shortcuts, ofGrid }) => !ofGrid && shortcuts.some((shortcut) => isStroke(event, shortcut, mac)),
      );
      if (found === undefined || (!found.everywhere && isTextField(event.target))) return;
      // Also where it may not run now: the browser's own meaning of the key would only surprise.
      event.preventDefault();
      if (found.enabled()) void found.run();
    }
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [app]);
}

/** A field whose own undo, find and arrows count. The grid's hidden field is none: it keeps the keys that it wants. */
function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement) || target.closest('[data-grid-viewport]') !== null) return false;
  return (
    target.isContentEditable || target.matches('textarea, input:not([type=checkbox], [type=radio], [type=button])')
  );
}
