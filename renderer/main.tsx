import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import '@mantine/core/styles.css';
import './base.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { WelcomeScreen } from './screens/welcome/welcome-screen.tsx';
import { AppFrame } from './shell/app-frame.tsx';
import { cssVariables, theme } from './theme.ts';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <AppFrame>
        <WelcomeScreen />
      </AppFrame>
    </MantineProvider>
  </StrictMode>,
);
