import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/**
 * The look of Ingest Studio in one file. Components name the `--is-*` tokens, never a palette's step:
 * dark is then a second column of one table. Every text token has at least 4.5:1 on every surface.
 */

/** The only accent: primary action, selection, focus, running. */
const iris: MantineColorsTuple = [
  '#eff2fe',
  '#e0e6fd',
  '#c5cffa',
  '#a3b2f6',
  '#8b9df1',
  '#5669dd',
  '#4259d6',
  '#364ab8',
  '#2d3d94',
  '#20296a',
];
const gray: MantineColorsTuple = [
  '#fafafb',
  '#f5f6f7',
  '#edeef1',
  '#e3e5e8',
  '#d2d5da',
  '#9aa0a9',
  '#666c76',
  '#4e535c',
  '#32363d',
  '#1b1e23',
];
/** Mantine reads this one from text (0) to the deepest surface (9). */
const dark: MantineColorsTuple = [
  '#e6e8eb',
  '#c6cad1',
  '#a2a8b2',
  '#8a919c',
  '#363a42',
  '#2b2f36',
  '#22252b',
  '#1a1c20',
  '#141619',
  '#0e0f12',
];

/** `[light, dark]` */
const tokens = {
  canvas: [gray[1], dark[8]],
  surface: ['#ffffff', dark[7]],
  sunken: [gray[0], '#1d1f24'],
  raised: ['#ffffff', dark[6]],
  hover: [gray[2], dark[5]],
  line: [gray[3], '#2a2d33'],
  'line-strong': [gray[4], '#40454e'],
  text: [gray[9], dark[0]],
  'text-2': [gray[7], '#b0b6bf'],
  'text-3': [gray[6], '#8f96a1'],
  accent: [iris[6], iris[5]],
  'accent-text': [iris[7], iris[3]],
  'accent-soft': [iris[0], '#23283f'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

/** Everything is a multiple of 4 pixels. */
const sizes = { 'title-bar': '36px', 'status-bar': '24px', 'radius-panel': '12px', 'radius-control': '6px' } as const;

const prefixed = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`--is-${name}`, value]));

const scheme = (side: 0 | 1) => ({
  ...prefixed(Object.fromEntries(Object.entries(tokens).map(([name, pair]) => [name, pair[side]]))),
  '--mantine-color-body': tokens.surface[side],
  '--mantine-color-text': tokens.text[side],
  '--mantine-color-dimmed': tokens['text-2'][side],
  '--mantine-color-default-border': tokens['line-strong'][side],
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: prefixed(sizes),
  light: scheme(0),
  dark: scheme(1),
});

export const theme = createTheme({
  primaryColor: 'iris',
  primaryShade: { light: 6, dark: 5 },
  colors: { iris, gray, dark },
  fontFamily: "'Inter Variable', 'Segoe UI', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', Consolas, monospace",
  fontSizes: { xs: '12px', sm: '13px', md: '13px', lg: '15px', xl: '24px' },
  lineHeights: { xs: '16px', sm: '20px', md: '20px', lg: '24px', xl: '32px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  radius: { xs: '4px', sm: '4px', md: '6px', lg: '8px', xl: '12px' },
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'default',
});
