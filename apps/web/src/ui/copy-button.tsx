"use client";
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { copyText } from "#lib/copy-text.ts";
import { Button } from "./button.tsx";

/** Copies a text; what it copies is part of its name: `Copy SQL`. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [copied, setCopied] = useState<"no" | "yes" | "refused">("no");
  const Icon = copied === "yes" ? Check : Copy;
  const word = copied === "yes" ? "Copied" : "Copy";
  return (
    <span className="inline-flex items-center gap-2">
      <Button
        small
        aria-label={`${word} ${what}`}
        onClick={() => {
          void copyText(text).then((done) => setCopied(done ? "yes" : "refused"));
        }}
        onBlur={() => setCopied("no")}
      >
        <Icon aria-hidden className="size-3.5" />
        {word}
      </Button>
      <span role="status" className={copied === "refused" ? "text-[0.8125rem] text-bad" : "sr-only"}>
        {copied === "yes" && `${what} copied`}
        {copied === "refused" && "The browser refused. Select the text instead."}
      </span>
    </span>
  );
}
