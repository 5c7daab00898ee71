import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import '@mantine/core/styles.css';
import './base.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { AppProvider, createApp } from './app.ts';
import { AppFrame } from './shell/app-frame.tsx';
import { preloadScreens } from './shell/screens.tsx';
import { ThemeFollower } from './shell/theme-follower.tsx';
import { cssVariables, theme } from './theme.ts';

const app = createApp();
app.running.listen();
void app.commands.readSettings();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <AppProvider value={app}>
        <ThemeFollower />
        <AppFrame />
      </AppProvider>
    </MantineProvider>
  </StrictMode>,
);

// After the first screen has asked the engine for what it shows.
setTimeout(() => void preloadScreens(), 1_000);
