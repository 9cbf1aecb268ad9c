/**
 * Acts of ours for the benchmark. With an order in BENCH_ACT: that one, and the end, as a command. Started with a channel to its
 * parent: one order after another, as a worker takes runs, each answered when it is done, until the channel closes.
 */
import { keepHeapSmall } from "@tidemark/repository";
import { type Order, perform } from "./acts.ts";
import type { Answer } from "./resident.ts";

keepHeapSmall();
if (process.env.BENCH_ACT === undefined) serve();
else await perform(JSON.parse(process.env.BENCH_ACT) as Order);

function serve(): void {
  process.on("message", (order) => void answer(order as Order));
  process.on("disconnect", () => process.exit());
  process.send?.({ ok: true } satisfies Answer);
}

async function answer(order: Order): Promise<void> {
  let ok = true;
  try {
    await perform(order);
  } catch (error) {
    console.error(error);
    ok = false;
  }
  process.send?.({ ok } satisfies Answer);
}
