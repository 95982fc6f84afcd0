; What Tokenscope changes in electron-builder's installer for Windows. The templates of app-builder-lib insert the macros
; that begin with `custom`, and define what else is used here.

; From the folder `build`.
!include "win\associations.nsh"
; `forInstalled`, the files and folders of this version: scripts/release/nsis.ts.
!include "${PROJECT_DIR}\out\.dist\installed.nsh"

!macro customInstall
  !insertmacro registerTypes
!macroend

!macro customUnInstall
  ; The new version registers them again. If it cannot be installed, the old one still needs them.
  ${IfNot} ${isUpdated}
    !insertmacro unregisterTypes
  ${EndIf}
!macroend

; Deletes what was installed. electron-builder would delete the whole folder, which may have a person's models.
!macro customRemoveFiles
  ; The installer updates with the uninstaller of the old version. All or nothing, because a file may be in use.
  ${If} ${isUpdated}
    CreateDirectory "$PLUGINSDIR\old-install"
    !insertmacro forInstalled setAside
  ${EndIf}
  ; The current folder cannot be deleted.
  SetOutPath $TEMP
  !insertmacro forInstalled delete
  Delete "$INSTDIR\${UNINSTALL_FILENAME}"
  RMDir "$INSTDIR"
!macroend

!macro setAsideFile NAME
  ${If} ${FileExists} "$INSTDIR\${NAME}"
    ClearErrors
    Rename "$INSTDIR\${NAME}" "$PLUGINSDIR\old-install\${NAME}"
    ${If} ${Errors}
      StrCpy $R0 "$INSTDIR\${NAME}"
      !insertmacro putBack
    ${EndIf}
  ${EndIf}
!macroend

!macro setAsideFolder NAME
  CreateDirectory "$PLUGINSDIR\old-install\${NAME}"
  Push "\${NAME}"
  Call un.atomicRMDir
  Pop $R0
  ${If} $R0 != 0
    !insertmacro putBack
  ${EndIf}
!macroend

; $R0: the file that is in use
!macro putBack
  DetailPrint "In use: $R0"
  Push ""
  Call un.restoreFiles
  Pop $R1
  Abort "The old version could not be replaced."
!macroend

!macro deleteFile NAME
  Delete "$INSTDIR\${NAME}"
!macroend

!macro deleteFolder NAME
  RMDir /r "$INSTDIR\${NAME}"
!macroend
