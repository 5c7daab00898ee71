/**
 * Runs before `npm test`: the tests of the window need a Chromium, those of the keychain a Secret Service. On Debian and its like, root gets what is
 * missing from the system's own packages; anybody else is told what to install. The tests themselves fail where it is absent, they do not skip.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const NEEDS = [
  {
    what: 'Chromium, Chrome or Edge',
    packages: ['chromium'],
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'microsoft-edge'],
    variable: 'CHROMIUM_PATH',
  },
  { what: 'GNOME Keyring', packages: ['gnome-keyring'], programs: ['gnome-keyring-daemon'] },
  { what: 'D-Bus', packages: ['dbus'], programs: ['dbus-run-session'] },
];

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

if (process.platform === 'linux') {
  const missing = NEEDS.filter(
    ({ programs, variable }) => !programs.some(isInstalled) && (variable === undefined || !process.env[variable]),
  );
  const packages = missing.flatMap((need) => need.packages);
  if (packages.length > 0 && isInstalled('apt-get') && process.getuid?.() === 0) {
    console.log(`Installing for the tests: ${packages.join(', ')}`);
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env: environment });
    const { status } = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: environment,
    });
    if (status !== 0) console.error(`apt-get could not install ${packages.join(', ')}.`);
  } else if (packages.length > 0) {
    console.error(
      `Tests will fail without ${missing.map(({ what }) => what).join(', ')}. Install: sudo apt-get install ${packages.join(' ')}`,
    );
  }
}
