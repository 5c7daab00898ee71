import {
  type ActionIconFactory,
  type BadgeFactory,
  type ButtonFactory,
  type CheckboxFactory,
  type CSSVariablesResolver,
  createTheme,
  type ExtendComponent,
  type FactoryPayload,
  type InputFactory,
  type InputWrapperFactory,
  type KbdFactory,
  type MantineColorsTuple,
  type MenuFactory,
  type ModalFactory,
  type NumberInputFactory,
  type PasswordInputFactory,
  type SegmentedControlFactory,
  type SelectFactory,
  type SwitchFactory,
  type TabsFactory,
  type TextareaFactory,
  type TextInputFactory,
  type TooltipFactory,
} from '@mantine/core';

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
  // Surfaces, from the window's frame to what floats above it.
  canvas: [gray[1], dark[8]],
  surface: ['#ffffff', dark[7]],
  sunken: [gray[0], '#1d1f24'],
  raised: ['#ffffff', dark[6]],
  hover: [gray[2], dark[5]],
  pressed: [gray[3], dark[4]],
  // Lines: between regions, around controls, between cells.
  line: [gray[3], '#2a2d33'],
  'line-strong': [gray[4], '#40454e'],
  'grid-line': ['#eceef0', '#24272c'],
  text: [gray[9], dark[0]],
  'text-2': [gray[7], '#b0b6bf'],
  'text-3': [gray[6], '#8f96a1'],
  accent: [iris[6], iris[5]],
  'accent-text': [iris[7], iris[3]],
  'accent-soft': [iris[0], '#23283f'],
  'accent-line': [iris[3], '#46538f'],
  'accent-wash': ['rgba(66, 89, 214, 0.07)', 'rgba(139, 157, 241, 0.11)'],
  // Status: always beside an icon and a word.
  ok: ['#17753f', '#56c486'],
  'ok-soft': ['#eaf6ee', '#1a2c22'],
  'ok-line': ['#b5dec3', '#2c523b'],
  warn: ['#8a5800', '#e0ab4b'],
  'warn-soft': ['#fdf5e2', '#2e2617'],
  'warn-line': ['#efd49a', '#5b4920'],
  err: ['#b8232f', '#f58a88'],
  'err-soft': ['#fdeeee', '#331d20'],
  'err-line': ['#f3bfc1', '#6a3034'],
  info: [iris[7], iris[3]],
  idle: [gray[6], '#8f96a1'],
  // A run's stages: one hue in three lightnesses, so that they survive colour blindness and print.
  'stage-extract': ['#364ab8', '#5c70df'],
  'stage-normalize': ['#7487e8', '#93a4f3'],
  'stage-load': ['#c5cffa', '#cdd6fc'],
  hatch: ['#e4e6ea', '#2b2e35'],
  'hatch-bg': ['#f8f9fa', '#17191d'],
  'syn-keyword': ['#364ab8', '#a3b2f6'],
  'syn-string': ['#17753f', '#7bcb9d'],
  'syn-number': ['#92480f', '#e3ad7a'],
  'syn-comment': [gray[6], '#8f96a1'],
  'syn-key': ['#8a2d6b', '#e09bc6'],
  // Only what floats has a shadow.
  'shadow-pop': [
    '0 0 0 1px rgba(20, 24, 32, .08), 0 2px 6px rgba(20, 24, 32, .08), 0 8px 20px rgba(20, 24, 32, .10)',
    '0 0 0 1px rgba(255, 255, 255, .09), 0 4px 10px rgba(0, 0, 0, .45), 0 12px 28px rgba(0, 0, 0, .5)',
  ],
  'shadow-drawer': [
    '-1px 0 0 rgba(20, 24, 32, .08), -8px 0 28px rgba(20, 24, 32, .10)',
    '-1px 0 0 rgba(255, 255, 255, .08), -10px 0 32px rgba(0, 0, 0, .5)',
  ],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

/** Everything is a multiple of 4 pixels. */
const sizes = {
  'title-bar': '36px',
  rail: '80px',
  toolbar: '44px',
  bar: '36px',
  'status-bar': '24px',
  row: '24px',
  control: '28px',
  'control-small': '24px',
  'radius-panel': '8px',
  'radius-control': '6px',
} as const;

const prefixed = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`--is-${name}`, value]));

const scheme = (side: 0 | 1) => ({
  ...prefixed(Object.fromEntries(Object.entries(tokens).map(([name, pair]) => [name, pair[side]]))),
  '--mantine-color-body': tokens.surface[side],
  '--mantine-color-text': tokens.text[side],
  '--mantine-color-dimmed': tokens['text-2'][side],
  '--mantine-color-placeholder': tokens['text-3'][side],
  '--mantine-color-error': tokens.err[side],
  '--mantine-color-anchor': tokens['accent-text'][side],
  '--mantine-color-default-border': tokens['line-strong'][side],
  '--mantine-color-default-hover': tokens.hover[side],
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: prefixed(sizes),
  light: scheme(0),
  dark: scheme(1),
});

const HEIGHTS: Readonly<Record<string, string>> = { xs: '24px', sm: '28px', md: '32px', lg: '36px' };
const FONTS: Readonly<Record<string, string>> = { xs: '12px', sm: '13px', md: '13px', lg: '14px' };
const sizeOf = ({ size }: { size?: unknown }) => (typeof size === 'string' && size in HEIGHTS ? size : 'sm');
const small = { fontSize: 12, lineHeight: '16px' };

/** What `Component.extend` does, without the component: those of the first screen alone come with the page. */
const part = <Factory extends FactoryPayload>(settings: ExtendComponent<Factory>) => settings;

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
  shadows: { md: 'var(--is-shadow-pop)', lg: 'var(--is-shadow-pop)', xl: 'var(--is-shadow-drawer)' },
  respectReducedMotion: true,
  cursorType: 'default',
  components: {
    Button: part<ButtonFactory>({
      defaultProps: { size: 'sm' },
      vars: (_theme, props) => ({
        root: {
          '--button-height': HEIGHTS[sizeOf(props)]!,
          '--button-fz': FONTS[sizeOf(props)]!,
          '--button-padding-x': sizeOf(props) === 'xs' ? '8px' : '10px',
        },
      }),
      styles: { root: { fontWeight: 500 } },
    }),
    ActionIcon: part<ActionIconFactory>({
      defaultProps: { size: 'sm', variant: 'subtle', color: 'gray' },
      vars: (_theme, props) => ({ root: { '--ai-size': HEIGHTS[sizeOf(props)]! } }),
    }),
    Input: part<InputFactory>({
      defaultProps: { size: 'sm' },
      vars: (_theme, props) => ({
        wrapper: {
          '--input-height': HEIGHTS[sizeOf(props)]!,
          '--input-fz': FONTS[sizeOf(props)]!,
          '--input-padding': '8px',
        },
      }),
    }),
    InputWrapper: part<InputWrapperFactory>({
      defaultProps: { inputWrapperOrder: ['label', 'input', 'error', 'description'] },
      styles: {
        label: { ...small, fontWeight: 500, marginBottom: 4 },
        description: { ...small, marginTop: 4 },
        error: { ...small, marginTop: 4 },
      },
    }),
    TextInput: part<TextInputFactory>({ defaultProps: { size: 'sm' } }),
    Textarea: part<TextareaFactory>({ defaultProps: { size: 'sm' } }),
    NumberInput: part<NumberInputFactory>({ defaultProps: { size: 'sm', hideControls: true } }),
    PasswordInput: part<PasswordInputFactory>({ defaultProps: { size: 'sm' } }),
    Select: part<SelectFactory>({ defaultProps: { size: 'sm', checkIconPosition: 'right' } }),
    Checkbox: part<CheckboxFactory>({ defaultProps: { size: 'xs', radius: 'xs' } }),
    Switch: part<SwitchFactory>({ defaultProps: { size: 'xs' } }),
    SegmentedControl: part<SegmentedControlFactory>({ defaultProps: { size: 'xs', radius: 'md' } }),
    Badge: part<BadgeFactory>({
      defaultProps: { variant: 'default', radius: 'sm', size: 'sm' },
      styles: { root: { textTransform: 'none', fontWeight: 500, letterSpacing: 0 } },
    }),
    Tabs: part<TabsFactory>({ styles: { tab: { height: 36, paddingBlock: 0, paddingInline: 10, fontSize: 13 } } }),
    Tooltip: part<TooltipFactory>({ defaultProps: { openDelay: 400, withArrow: false } }),
    Kbd: part<KbdFactory>({ defaultProps: { size: 'xs' } }),
    Menu: part<MenuFactory>({
      defaultProps: {
        shadow: 'md',
        radius: 'lg',
        offset: 4,
        transitionProps: { duration: 80 },
        // A menu's children are its items: focus goes to the first of them, not to a place that screen readers meet as one.
        withInitialFocusPlaceholder: false,
      },
      styles: { dropdown: { padding: 4 }, item: { padding: '4px 8px', fontSize: 12, lineHeight: '16px' } },
    }),
    Modal: part<ModalFactory>({
      defaultProps: {
        centered: true,
        radius: 'lg',
        transitionProps: { duration: 80 },
        overlayProps: { backgroundOpacity: 0.28 },
      },
      styles: { title: { fontSize: 15, lineHeight: '20px', fontWeight: 600 } },
    }),
  },
});
