import { describe, expect, test } from 'vitest';
import { matchesPattern, type PacContext, pacFunctions } from '../../engine/network/pac-functions.ts';

/** Wednesday, 18 December 2024, 14:30:15. */
const NOW = new Date(2024, 11, 18, 14, 30, 15);
const names: Record<string, string> = { 'intern.corp.example': '10.1.2.3', 'www.example': '93.184.216.34' };
const context: PacContext = { resolve: (host) => names[host] ?? null, ownAddress: '10.9.8.7', now: NOW };
const call = (name: string, ...args: unknown[]) => pacFunctions(() => context)[name]?.(...args);

describe('functions of proxy scripts', () => {
  test.each([
    ['isPlainHostName', ['www'], true],
    ['isPlainHostName', ['www.corp.example'], false],
    ['dnsDomainIs', ['www.Corp.example', '.corp.example'], true],
    ['dnsDomainIs', ['www.example', '.corp.example'], false],
    ['localHostOrDomainIs', ['www', 'www.corp.example'], true],
    ['localHostOrDomainIs', ['www.corp.example', 'www.corp.example'], true],
    ['localHostOrDomainIs', ['www.other.example', 'www.corp.example'], false],
    ['localHostOrDomainIs', ['ww', 'www.corp.example'], false],
    ['dnsDomainLevels', ['www.corp.example'], 2],
    ['dnsDomainLevels', ['www'], 0],
    ['dnsResolve', ['intern.corp.example'], '10.1.2.3'],
    ['dnsResolve', ['10.5.5.5'], '10.5.5.5'],
    ['dnsResolve', ['nobody.example'], null],
    ['isResolvable', ['intern.corp.example'], true],
    ['isResolvable', ['nobody.example'], false],
    ['isInNet', ['intern.corp.example', '10.0.0.0', '255.0.0.0'], true],
    ['isInNet', ['www.example', '10.0.0.0', '255.0.0.0'], false],
    ['isInNet', ['192.168.3.4', '192.168.0.0', '255.255.0.0'], true],
    ['isInNet', ['nobody.example', '0.0.0.0', '0.0.0.0'], false],
    ['isInNet', ['10.1.2.3', '10.0.0.0', undefined], false],
    ['myIpAddress', [], '10.9.8.7'],
    ['convert_addr', ['0.0.1.2'], 258],
    ['weekdayRange', ['MON', 'FRI'], true],
    ['weekdayRange', ['FRI', 'MON'], false],
    ['weekdayRange', ['TUE', 'MON'], true],
    ['weekdayRange', ['wed'], true],
    ['weekdayRange', ['someday'], false],
    ['weekdayRange', [], false],
    ['dateRange', [18], true],
    ['dateRange', [19], false],
    ['dateRange', ['DEC'], true],
    ['dateRange', ['NOV', 'JAN'], true],
    ['dateRange', ['JAN', 'NOV'], false],
    ['dateRange', [2024], true],
    ['dateRange', [2025, 2026], false],
    ['dateRange', [1, 'DEC', 24, 'DEC'], true],
    ['dateRange', [19, 'DEC', 24, 'DEC'], false],
    ['dateRange', ['OCT', 2024, 'MAR', 2025], true],
    ['dateRange', [18, 'DEC', 2024], true],
    ['dateRange', [18, 'DEC', 2023], false],
    ['dateRange', [19, 'DEC', 2024, 1, 'JAN', 2025], false],
    ['dateRange', ['Never'], false],
    ['timeRange', [14], true],
    ['timeRange', [9, 17], true],
    ['timeRange', [15, 17], false],
    ['timeRange', [22, 6], false],
    ['timeRange', [12, 6], true],
    ['timeRange', [14, 0, 14, 30], true],
    ['timeRange', [14, 31, 15, 0], false],
    ['timeRange', [14, 30, 0, 14, 30, 14], false],
    ['timeRange', [14, 30, 15, 14, 30, 15], true],
    ['alert', ['hello'], undefined],
  ])('%s(%j) is %j', (name, args, answer) => {
    expect(call(name, ...args)).toBe(answer);
  });

  test('GMT stands behind the bounds, in any case', () => {
    const hour = NOW.getUTCHours();
    expect(call('timeRange', hour, 'GMT')).toBe(true);
    expect(call('timeRange', (hour + 2) % 24, 'gmt')).toBe(false);
    expect(call('weekdayRange', ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'][NOW.getUTCDay()], 'GMT')).toBe(true);
  });

  test.each([
    ['www.corp.example', '*.corp.example', true],
    ['www.corp.example.evil', '*.corp.example', false],
    ['10.1.2.3', '10.?.2.*', true],
    ['10.11.2.3', '10.?.2.*', false],
    ['a.b', 'a+b', false],
    ['axb', 'a.b', false],
    ['', '*', true],
    ['x', '', false],
    ['abcabd', '*ab?', true],
  ])('the pattern of %j and %j: %j', (text, pattern, answer) => {
    expect(matchesPattern(text, pattern)).toBe(answer);
  });

  test('a pattern of many stars does not take for ever', () => {
    expect(matchesPattern('a'.repeat(20_000), `${'*a'.repeat(50)}b`)).toBe(false);
  });
});
