// What an agent lets its client choose for a session, as far as the spoke chooses it: the model.
import { z } from 'zod';

const choice = z.looseObject({ value: z.string() });
const group = z.looseObject({ options: z.array(choice) });
const option = z.looseObject({
  id: z.string(),
  category: z.string().nullish(),
  type: z.literal('select'),
  options: z.union([z.array(group), z.array(choice)]),
});
const session = z.looseObject({ configOptions: z.array(z.unknown()).max(1_000).nullish() });

/** The setting by which that model is chosen in the session that the answer tells of; undefined when it is not offered. */
export function modelSetting(answer: unknown, model: string): { configId: string; value: string } | undefined {
  const offered = session.safeParse(answer).data?.configOptions ?? [];
  for (const one of offered) {
    const { data } = option.safeParse(one);
    if (data?.category !== 'model') continue;
    const values = data.options.flatMap((entry) =>
      'options' in entry ? (entry.options as { value: string }[]) : [entry],
    );
    if (values.some(({ value }) => value === model)) return { configId: data.id, value: model };
  }
  return undefined;
}
