// The hub about itself: who it is, and whether it can do its work.
import { fingerprintWords, operationNames, type Check, type InstanceResource } from '#protocol';
import type { Store } from '#store';
import type { HubConfig } from './config.js';
import { version } from '#api';

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
      checks: [await this.storeCheck()],
    };
  }

  async ready(): Promise<{ ready: boolean; reasons: readonly string[] }> {
    const { outcome, detail } = await this.storeCheck();
    return outcome === 'ok' ? { ready: true, reasons: [] } : { ready: false, reasons: [detail] };
  }

  private async storeCheck(): Promise<Check> {
    try {
      await this.store.now();
      return { name: 'store', outcome: 'ok', detail: 'The store answers.' };
    } catch {
      return {
        name: 'store',
        outcome: 'failed',
        detail: 'The store does not answer.',
        cure: 'Check the store, its disk and its address.',
      };
    }
  }
}
