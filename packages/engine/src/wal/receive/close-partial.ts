import type { WalArchive, WalPartial } from "@tidemark/repository";

/**
 * Closes what there is of a timeline's last segment, as far as it was received before the receiver learnt that the timeline
 * had ended: the same as when its end was seen in the stream.
 */
export async function closePartial(
  archive: WalArchive,
  partial: WalPartial,
  options: { readonly writer: string; readonly signal: AbortSignal },
): Promise<void> {
  const writer = await archive.beginSegment(partial.place, options);
  try {
    for await (const bytes of partial.read()) await writer.write(bytes);
    await writer.finishPartial();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}
