; The installer for Windows where electron-builder's own NSIS files cannot be downloaded: per user, without an administrator.
; It does what electron-builder's does with the settings in electron-builder.config.ts.
;
;   makensis -DVERSION=… -DPAYLOAD=folder -DSIZE_KIB=… -DOUTPUT=setup.exe tokenscope.nsi
;   setup.exe /S [/D=FOLDER]     installs silently; the uninstaller takes /S too

Unicode true
!include "MUI2.nsh"
!include "FileFunc.nsh"

!define NAME "Tokenscope"
!define APP_ID "app.tokenscope.Tokenscope"
!define PROGRAM "Tokenscope.exe"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${APP_ID}"
!define CLASSES "Software\Classes"
!define MODEL_CLASS "Tokenscope.gguf"

Name "${NAME}"
OutFile "${OUTPUT}"
; Never asks for an administrator: everything is in the user's own folders and keys.
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\${NAME}"
InstallDirRegKey HKCU "Software\${APP_ID}" "InstallLocation"
SetCompressor /SOLID lzma
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "${NAME} installer"
VIAddVersionKey "LegalCopyright" "The Tokenscope authors"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

!macro closeRunningApp
  ; Asks the windows to close, so that they save, before the files are replaced.
  nsExec::Exec 'taskkill /IM "${PROGRAM}"'
  Pop $0
  ${If} $0 == 0
    Sleep 3000
  ${EndIf}
!macroend

Section "Install"
  SetShellVarContext current
  !insertmacro closeRunningApp
  ; Files of an earlier version that this one lacks must go.
  ${If} ${FileExists} "$INSTDIR\${PROGRAM}"
    RMDir /r "$INSTDIR\resources"
    RMDir /r "$INSTDIR\locales"
  ${EndIf}
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}/*"
  WriteUninstaller "$INSTDIR\Uninstall ${NAME}.exe"

  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\${PROGRAM}"

  WriteRegStr HKCU "Software\${APP_ID}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${NAME} ${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\${PROGRAM},0"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "The Tokenscope authors"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\Uninstall ${NAME}.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\Uninstall ${NAME}.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" "${SIZE_KIB}"
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1

  ; .gguf: does not replace another program's association.
  WriteRegStr HKCU "${CLASSES}\${MODEL_CLASS}" "" "Language model (GGUF)"
  WriteRegStr HKCU "${CLASSES}\${MODEL_CLASS}\DefaultIcon" "" "$INSTDIR\${PROGRAM},0"
  WriteRegStr HKCU "${CLASSES}\${MODEL_CLASS}\shell\open\command" "" '"$INSTDIR\${PROGRAM}" "%1"'
  WriteRegStr HKCU "${CLASSES}\.gguf\OpenWithProgids" "${MODEL_CLASS}" ""
  ReadRegStr $0 HKCU "${CLASSES}\.gguf" ""
  ${If} $0 == ""
    WriteRegStr HKCU "${CLASSES}\.gguf" "" "${MODEL_CLASS}"
  ${EndIf}

  ; tokenscope:// links, which only put a question in the composer.
  WriteRegStr HKCU "${CLASSES}\tokenscope" "" "URL:Question for Tokenscope"
  WriteRegStr HKCU "${CLASSES}\tokenscope" "URL Protocol" ""
  WriteRegStr HKCU "${CLASSES}\tokenscope\shell\open\command" "" '"$INSTDIR\${PROGRAM}" "%1"'
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
SectionEnd

Section "Uninstall"
  SetShellVarContext current
  !insertmacro closeRunningApp
  Delete "$SMPROGRAMS\${NAME}.lnk"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  DeleteRegKey HKCU "Software\${APP_ID}"
  DeleteRegKey HKCU "${CLASSES}\${MODEL_CLASS}"
  DeleteRegKey HKCU "${CLASSES}\tokenscope"
  DeleteRegValue HKCU "${CLASSES}\.gguf\OpenWithProgids" "${MODEL_CLASS}"
  ReadRegStr $0 HKCU "${CLASSES}\.gguf" ""
  ${If} $0 == "${MODEL_CLASS}"
    DeleteRegValue HKCU "${CLASSES}\.gguf" ""
  ${EndIf}
  ; Only what was installed: the folder may have other files. Chats and settings stay.
  !include "${FILE_LIST}"
  Delete "$INSTDIR\Uninstall ${NAME}.exe"
  RMDir "$INSTDIR"
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
SectionEnd
