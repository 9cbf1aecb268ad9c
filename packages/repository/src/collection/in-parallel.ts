/** Acts on every item, a few at a time, and gives the answers in order. The first failure ends it once those begun are done. */
export async function inParallel<Item, Answer>(
  items: readonly Item[],
  limit: number,
  act: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const queue = items.entries();
  let failure: { readonly error: unknown } | null = null;
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failure !== null) return;
      try {
        answers[index] = await act(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return answers;
}

/** Requests on their way at once: what a store of objects answers in parallel, without asking for being throttled. */
export const storeRequests = 8;
