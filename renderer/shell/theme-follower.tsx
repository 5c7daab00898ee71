import { useMantineColorScheme } from '@mantine/core';
import { useEffect } from 'react';
import { useSettings } from '../app.ts';

/** Puts the theme of the settings on the page. */
export function ThemeFollower() {
  const { setColorScheme } = useMantineColorScheme();
  const theme = useSettings((state) => state.settings?.theme);
  useEffect(() => {
    if (theme !== undefined) setColorScheme(theme === 'system' ? 'auto' : theme);
  }, [theme, setColorScheme]);
  return null;
}
