; .gguf files and tokenscope:// links, for both installers: tokenscope.nsi and electron-builder's (installer.nsh).

!define PROGRAM "Tokenscope.exe"
!define CLASSES "Software\Classes"
!define MODEL_CLASS "Tokenscope.gguf"

!macro registerTypes
  ; .gguf: does not replace another program's association.
  WriteRegStr HKCU "${CLASSES}\${MODEL_CLASS}" "" "Language model (GGUF)"
  WriteRegStr HKCU "${CLASSES}\${MODEL_CLASS}\DefaultIcon" "" "$INSTDIR\${PROGRAM},0"
  ; What follows `--` cannot be a switch, whatever a link contains.
  WriteRegStr HKCU "${CLASSES}\${MODEL_CLASS}\shell\open\command" "" '"$INSTDIR\${PROGRAM}" -- "%1"'
  WriteRegStr HKCU "${CLASSES}\.gguf\OpenWithProgids" "${MODEL_CLASS}" ""
  ReadRegStr $0 HKCU "${CLASSES}\.gguf" ""
  ${If} $0 == ""
    WriteRegStr HKCU "${CLASSES}\.gguf" "" "${MODEL_CLASS}"
  ${EndIf}

  ; tokenscope:// links, which only put a question in the composer.
  WriteRegStr HKCU "${CLASSES}\tokenscope" "" "URL:Question for Tokenscope"
  WriteRegStr HKCU "${CLASSES}\tokenscope" "URL Protocol" ""
  WriteRegStr HKCU "${CLASSES}\tokenscope\shell\open\command" "" '"$INSTDIR\${PROGRAM}" -- "%1"'
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
!macroend

!macro unregisterTypes
  DeleteRegKey HKCU "${CLASSES}\${MODEL_CLASS}"
  DeleteRegKey HKCU "${CLASSES}\tokenscope"
  DeleteRegValue HKCU "${CLASSES}\.gguf\OpenWithProgids" "${MODEL_CLASS}"
  ReadRegStr $0 HKCU "${CLASSES}\.gguf" ""
  ${If} $0 == "${MODEL_CLASS}"
    DeleteRegValue HKCU "${CLASSES}\.gguf" ""
  ${EndIf}
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
!macroend
