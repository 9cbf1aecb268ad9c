"use client";
import * as Menu from "@radix-ui/react-dropdown-menu";
import { CircleUser, KeyRound, LogOut } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { signOut } from "#account/auth-request.ts";
import { toProblem } from "#lib/problem.ts";
import { menuContentClass, menuItemClass } from "./menu-class.ts";

export function UserMenu({ name }: { readonly name: string }) {
  const [failure, setFailure] = useState<string | null>(null);
  return (
    <Menu.Root>
      <Menu.Trigger
        aria-label={`Account of ${name}`}
        className="grid size-9 place-items-center rounded-md text-muted hover:bg-raised hover:text-text max-md:size-11"
      >
        <CircleUser aria-hidden className="size-5" />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content align="end" sideOffset={6} className={menuContentClass}>
          <Menu.Label className="px-2.5 py-1.5 text-[0.8125rem] text-muted">Signed in as {name}</Menu.Label>
          <Menu.Item asChild className={menuItemClass}>
            <Link href="/account">
              <KeyRound aria-hidden className="size-4 text-muted" /> Account and tokens
            </Link>
          </Menu.Item>
          <Menu.Item
            className={menuItemClass}
            onSelect={(event) => {
              event.preventDefault();
              signOut().then(
                () => window.location.assign("/login"),
                (error: unknown) => setFailure(toProblem(error).message),
              );
            }}
          >
            <LogOut aria-hidden className="size-4 text-muted" /> Sign out
          </Menu.Item>
          {failure !== null && (
            <p role="alert" className="max-w-60 px-2.5 py-1.5 text-sm text-bad">
              {failure}
            </p>
          )}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
