"use client";
import { useState } from "react";
import { Choices } from "#ui/choices.tsx";
import { TextField } from "#ui/field.tsx";
import { SecretArea } from "#ui/secret-area.tsx";

const kinds = [
  {
    value: "passphrase",
    title: "A passphrase",
    words: "At least 8 characters. Whoever knows it opens the repository.",
  },
  { value: "key-file", title: "A key file", words: "Whoever has the file: its line begins with tidemark-key-1:." },
  {
    value: "recipient",
    title: "An age recipient",
    words: "Whoever has the age identity. Nothing secret is given to us.",
  },
] as const;
export type NewKeyKind = (typeof kinds)[number]["value"];

/** What to give: exactly one of the three. `readNewKey` takes it from the form. */
export function NewKeyFields() {
  const [kind, setKind] = useState<NewKeyKind>("passphrase");
  const [phrase, setPhrase] = useState("");
  const [again, setAgain] = useState("");
  return (
    <>
      <Choices legend="What opens it" options={kinds} chosen={kind} onChoose={setKind} />
      {kind === "passphrase" && (
        <>
          <TextField
            label="Passphrase"
            name="passphrase"
            type="password"
            autoComplete="new-password"
            required
            minLength={8}
            maxLength={1000}
            value={phrase}
            onChange={(event) => {
              setPhrase(event.target.value);
              // What was repeated was another one: a slip here would lock its owner out.
              setAgain("");
            }}
          />
          <TextField
            label="The same again"
            type="password"
            autoComplete="new-password"
            required
            value={again}
            onChange={(event) => {
              setAgain(event.target.value);
              event.target.setCustomValidity(event.target.value === phrase ? "" : "It is not the same");
            }}
            error={again !== "" && again !== phrase ? "It is not the same." : null}
          />
        </>
      )}
      {kind === "key-file" && (
        <SecretArea
          label="Text of the key file"
          hint="Sealed for the workers at once, and never shown again."
          name="keyText"
          rows={3}
          required
        />
      )}
      {kind === "recipient" && (
        <TextField
          label="Recipient"
          name="recipient"
          mono
          required
          spellCheck={false}
          pattern="age1[0-9a-z]+"
          title="age1…"
          placeholder="age1…"
          hint="An X25519 recipient, as age-keygen prints it."
        />
      )}
    </>
  );
}

/** The field of the api that the form has a value for. */
export function readNewKey(form: FormData): Readonly<Partial<Record<"passphrase" | "keyText" | "recipient", string>>> {
  for (const name of ["passphrase", "keyText", "recipient"] as const) {
    const value = form.get(name);
    // Blanks at the ends of a passphrase are part of it.
    if (typeof value === "string" && value !== "") return { [name]: name === "passphrase" ? value : value.trim() };
  }
  return {};
}
