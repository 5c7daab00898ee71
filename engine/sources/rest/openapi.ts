import type { DiscoveredObject, DiscoverFilter } from '../source.ts';
import type { ApiSession } from './session.ts';

export async function discoverResources(
  _session: ApiSession,
  _filter: DiscoverFilter,
  _signal: AbortSignal,
): Promise<DiscoveredObject[]> {
  return [];
}
