@echo off
rem The command line tool in the app's own runtime.
"%~dp0..\..\Tokenscope.exe" --cli --no-sandbox --log-level=3 -- %*
