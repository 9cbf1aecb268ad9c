"use client";
import * as Menu from "@radix-ui/react-dropdown-menu";
import { Check, Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { menuContentClass, menuItemClass } from "./menu-class.ts";
import { readTheme, type Theme, themeCookie } from "./theme.ts";

const choices = [
  { theme: "system", title: "As the system", icon: Monitor },
  { theme: "light", title: "Light", icon: Sun },
  { theme: "dark", title: "Dark", icon: Moon },
] as const satisfies readonly { theme: Theme; title: string; icon: typeof Sun }[];

export function ThemeToggle({ initial }: { readonly initial: Theme }) {
  const [theme, setTheme] = useState(initial);
  const Current = choices.find((choice) => choice.theme === theme)?.icon ?? Monitor;
  return (
    <Menu.Root>
      <Menu.Trigger
        aria-label="Theme"
        className="grid size-9 place-items-center rounded-md text-muted hover:bg-raised hover:text-text max-md:size-11"
      >
        <Current aria-hidden className="size-4.5" />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content align="end" sideOffset={6} className={menuContentClass}>
          <Menu.RadioGroup
            value={theme}
            onValueChange={(value) => {
              setTheme(readTheme(value));
              applyTheme(readTheme(value));
            }}
          >
            {choices.map(({ theme: value, title, icon: Icon }) => (
              <Menu.RadioItem key={value} value={value} className={menuItemClass}>
                <Icon aria-hidden className="size-4 text-muted" />
                {title}
                <Menu.ItemIndicator className="ms-auto">
                  <Check aria-hidden className="size-4" />
                </Menu.ItemIndicator>
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

const yearSeconds = 365 * 24 * 3600;

function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain http.
  document.cookie = `${themeCookie}=${theme}; path=/; max-age=${yearSeconds}; samesite=lax`;
}
