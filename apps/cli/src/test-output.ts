import type { Output, OutputFormat } from "./output.ts";

/** For tests: an output that keeps what is written to it. */
export function captureOutput(format: OutputFormat): { output: Output; written: () => string; noted: () => string } {
  let written = "";
  let noted = "";
  return {
    output: {
      format,
      interactive: false,
      write: (text) => {
        written += text;
      },
      note: (text) => {
        noted += text;
      },
    },
    written: () => written,
    noted: () => noted,
  };
}
