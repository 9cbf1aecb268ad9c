import { tempDir, waitFor } from "@tidemark/testkit";
import { share } from "./shared.ts";
import { startProduct } from "./start-product.ts";

/** Starts the product once, on an empty home with its demo; the function given back stops it. */
// biome-ignore lint/style/noDefaultExport: Playwright demands it of a global set-up.
export default async function startOnce(): Promise<() => Promise<void>> {
  // Marks the folders of this run; workers inherit it.
  process.env.TIDEMARK_TEST_RUN = String(process.pid);
  const dir = await tempDir("product");
  const product = await startProduct({ home: dir.join("home") });
  const output = await waitFor(() => product.output().includes("stop       Ctrl-C") && product.output(), {
    what: "the last line of the start",
  });
  const oneTimePassword = /one-time password (\S+)/.exec(output)?.[1];
  if (oneTimePassword === undefined) throw new Error(`the start named no password:\n${output}`);
  share({ origin: product.origin, home: product.home, output, oneTimePassword, readyAt: Date.now() });
  return async () => {
    product.signal("SIGTERM");
    const how = await product.ended;
    await dir[Symbol.asyncDispose]();
    if (how !== 0) throw new Error(`the product ended with ${how}:\n${product.output()}`);
  };
}
