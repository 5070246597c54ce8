// Somebody used an invite: who it is decides a person, by six words that the other side reads out.
import { useState } from 'preact/hooks';
import type { Spoke } from '#protocol';
import { Ask } from '../../parts/dialog.js';
import { SixWords } from '../../parts/six-words.js';
import { post } from '../../rest/http.js';

interface WaitingProps {
  readonly spoke: Spoke;
  readonly isAdmin: boolean;
  readonly again: () => void;
}

export function Waiting({ spoke, isAdmin, again }: WaitingProps) {
  const [doing, setDoing] = useState<'accept' | 'refuse'>();
  const decide = (what: 'accept' | 'refuse') => async (reason: string) => {
    await post(`/v1/spokes/${spoke.id}/${what}`, reason === '' ? {} : { reason });
    again();
  };
  const close = () => setDoing(undefined);
  return (
    <section class="card waiting stack" aria-label={`${spoke.name} waits to be accepted`}>
      <h2>{spoke.name} waits to be accepted</h2>
      <p>
        Call its admin on another way than this, and have these six words read to you. They have to be the same on both
        sides; if they are not, somebody stands between you: refuse.
      </p>
      <SixWords words={spoke.words} />
      {isAdmin ? (
        <div class="row">
          <button class="button primary" onClick={() => setDoing('accept')}>
            The words are the same: accept
          </button>
          <button class="button danger" onClick={() => setDoing('refuse')}>
            Refuse
          </button>
        </div>
      ) : (
        <p class="faint">An admin of this hub accepts or refuses it.</p>
      )}
      {doing === 'accept' && (
        <Ask title={`Accept ${spoke.name}?`} act="Accept" reason="optional" run={decide('accept')} close={close}>
          <SixWords words={spoke.words} />
        </Ask>
      )}
      {doing === 'refuse' && (
        <Ask title={`Refuse ${spoke.name}?`} act="Refuse" danger reason="optional" run={decide('refuse')} close={close}>
          <p>It is final; to try again takes a new invite.</p>
        </Ask>
      )}
    </section>
  );
}
