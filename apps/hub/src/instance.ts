// The hub about itself: who it is, and whether it can do its work.
import { fingerprintWords, operationNames, type InstanceResource } from '#protocol';
import { checkStore, version } from '#api';
import type { Store } from '#store';
import type { HubConfig } from './config.js';

export class InstanceView {
  constructor(
    private readonly config: HubConfig,
    private readonly id: string,
    private readonly store: Store,
  ) {}

  async instance(): Promise<InstanceResource> {
    const words = fingerprintWords(this.id).split(' ');
    const about = { role: 'hub', id: this.id, name: this.config.name, words, version } as const;
    return {
      ...about,
      time: new Date().toISOString(),
      operations: [...operationNames],
      checks: [await checkStore(this.store)],
    };
  }

  async ready(): Promise<{ ready: boolean; reasons: readonly string[] }> {
    const { outcome, detail } = await checkStore(this.store);
    return outcome === 'failed' ? { ready: false, reasons: [detail] } : { ready: true, reasons: [] };
  }
}
