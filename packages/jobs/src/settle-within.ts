/**
 * Waits for what should take no time but hangs when the other side is gone (BullMQ and pg wait for answers that never
 * come). False when it did not settle in time; an error it throws then or later goes to `onError`.
 */
export async function settleWithin(
  timeoutMs: number,
  act: Promise<unknown>,
  onError: (error: unknown) => void,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const settled = act.then(
    () => true,
    (error: unknown) => {
      onError(error);
      return true;
    },
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
