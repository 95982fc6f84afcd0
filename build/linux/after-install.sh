#!/bin/sh
# After the files of the deb or rpm are in place, also when it is updated.
set -e
app='/opt/${sanitizedProductName}'

# The window's sandbox uses user namespaces. Where the system forbids them, it needs a program that starts as root.
# Tried as nobody, because root may create them in any case.
if [ -L /proc/self/ns/user ] &&
  setpriv --reuid=65534 --regid=65534 --clear-groups unshare --user true 2>/dev/null; then
  chmod 0755 "$app/chrome-sandbox"
else
  chmod 4755 "$app/chrome-sandbox"
fi

if command -v update-mime-database >/dev/null 2>&1; then update-mime-database /usr/share/mime || true; fi
if command -v update-desktop-database >/dev/null 2>&1; then update-desktop-database -q /usr/share/applications || true; fi
if command -v gtk-update-icon-cache >/dev/null 2>&1; then gtk-update-icon-cache -q -t -f /usr/share/icons/hicolor || true; fi

# Ubuntu 24.04 and later allow user namespaces to programs with a profile only. Older versions of AppArmor do not know the
# profile's syntax, and do not need it.
profile='/etc/apparmor.d/${executable}'
if command -v apparmor_status >/dev/null 2>&1 && apparmor_status --enabled >/dev/null 2>&1; then
  if apparmor_parser --skip-kernel-load --debug "$app/resources/apparmor-profile" >/dev/null 2>&1; then
    cp -f "$app/resources/apparmor-profile" "$profile"
    if ! { command -v ischroot >/dev/null 2>&1 && ischroot; }; then
      apparmor_parser --replace --write-cache --skip-read-cache "$profile" || true
    fi
  fi
fi
