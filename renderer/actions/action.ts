/** A command of the window: one object feeds the menu, the keys and the palette. */
export interface Action {
  /** `noun.verb`; the desktop's own menu names the same ids. */
  id: string;
  label: string;
  /** Which menu it stands in; null: palette and keys only. */
  menu: 'File' | 'Edit' | 'View' | 'Run' | 'Help' | null;
  /** Items of one menu are parted where this changes. */
  section: number;
  /** `Mod+Shift+Z`; Mod is Cmd on a Mac, else Ctrl. The first one is shown. */
  shortcuts: readonly string[];
  /** Works while a text field has the focus, too. */
  everywhere: boolean;
  /** The grid does it by itself while it has the focus: the key is shown, not listened to. */
  ofGrid: boolean;
  /** Other words that find it in the palette. */
  keywords: string;
  enabled(): boolean;
  /** For what can be on or off. */
  checked?(): boolean;
  run(): unknown;
}

type Given = Pick<Action, 'id' | 'label' | 'run'> & Partial<Action>;

export function action(given: Given): Action {
  return {
    menu: null,
    section: 0,
    shortcuts: [],
    everywhere: false,
    ofGrid: false,
    keywords: '',
    enabled: () => true,
    ...given,
  };
}

/** The part of a keyboard event that decides. */
export interface Stroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

/** Whether a stroke is a shortcut such as `Mod+Shift+Z`. */
export function isStroke(stroke: Stroke, shortcut: string, mac: boolean): boolean {
  const parts = shortcut.split('+');
  const key = parts.at(-1) as string;
  const mod = parts.includes('Mod');
  const control = mac ? stroke.metaKey : stroke.ctrlKey;
  const other = mac ? stroke.ctrlKey : stroke.metaKey;
  return (
    stroke.key.toLowerCase() === key.toLowerCase() &&
    control === mod &&
    !other &&
    stroke.altKey === parts.includes('Alt') &&
    // A character such as `.` needs Shift on some keyboards.
    (stroke.shiftKey === parts.includes('Shift') || (key.length === 1 && !/[a-z0-9]/i.test(key)))
  );
}

const MAC: Readonly<Record<string, string>> = { Mod: '⌘', Shift: '⇧', Alt: '⌥', Enter: '⏎', Delete: '⌦' };

/** A shortcut as the keyboard at hand names it: `Ctrl Shift Z`, `⌘⇧Z`. */
export function shortcutText(shortcut: string, mac: boolean): string {
  const parts = shortcut.split('+');
  if (mac) return parts.map((part) => MAC[part] ?? part).join('');
  return parts.map((part) => (part === 'Mod' ? 'Ctrl' : part === 'Enter' ? '⏎' : part)).join(' ');
}

/** How well a text answers what was typed: 0 not at all; greater is better. Letters may be left out, words may be begun. */
export function matchScore(typed: string, label: string, keywords: string): number {
  const wanted = typed.trim().toLowerCase();
  if (wanted === '') return 1;
  const text = label.toLowerCase();
  if (text.startsWith(wanted)) return 5;
  if (text.split(/[\s:]+/).some((word) => word.startsWith(wanted))) return 4;
  if (text.includes(wanted)) return 3;
  const words = `${text} ${keywords.toLowerCase()}`;
  if (wanted.split(/\s+/).every((part) => words.includes(part))) return 2;
  let at = 0;
  for (const letter of wanted.replace(/\s/g, '')) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return 0;
  }
  return 1;
}
