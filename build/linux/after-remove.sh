#!/bin/sh
# After the files are gone. Updates run it too, for the old version: dpkg says `upgrade`, rpm counts what is left.
set -e
case "$1" in upgrade | failed-upgrade | abort-* | 1) exit 0 ;; esac

profile='/etc/apparmor.d/${executable}'
if [ -f "$profile" ]; then
  if command -v apparmor_status >/dev/null 2>&1 && apparmor_status --enabled >/dev/null 2>&1; then
    if ! { command -v ischroot >/dev/null 2>&1 && ischroot; }; then apparmor_parser --remove "$profile" || true; fi
  fi
  rm -f "$profile"
fi

if command -v update-mime-database >/dev/null 2>&1; then update-mime-database /usr/share/mime || true; fi
if command -v update-desktop-database >/dev/null 2>&1; then update-desktop-database -q /usr/share/applications || true; fi
if command -v gtk-update-icon-cache >/dev/null 2>&1; then gtk-update-icon-cache -q -t -f /usr/share/icons/hicolor || true; fi
