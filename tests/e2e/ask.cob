      *> SPDX-License-Identifier: Apache-2.0
      *> Three lines in (function, field, value), and what CALL "JETON"
      *> said out, for as many times as there are three lines. It has
      *> nothing that any dialect of COBOL lacks.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. ASK.
       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY JETON.
       COPY JETONTAB REPLACING ==:N:== BY ==9==.
       01  SHOWN-CODE                  PIC 9(4).
       01  SHOWN-STATUS                PIC 9(4).
       01  SHOWN-LENGTH                PIC 9(4).
       PROCEDURE DIVISION.
       MAIN-PART.
           PERFORM ASK-ONE UNTIL JETON-FUNCTION = "STOP".
           STOP RUN.
       ASK-ONE.
           MOVE "STOP" TO JETON-FUNCTION.
           ACCEPT JETON-FUNCTION FROM SYSIN.
           IF JETON-FUNCTION NOT = "STOP"
               ACCEPT JETON-FIELD FROM SYSIN
               ACCEPT JETON-VALUE FROM SYSIN
               CALL "JETON" USING JETON-AREA
               MOVE JETON-RETURN-CODE TO SHOWN-CODE
               MOVE JETON-HTTP-STATUS TO SHOWN-STATUS
               MOVE JETON-RESULT-LENGTH TO SHOWN-LENGTH
               DISPLAY SHOWN-CODE ";" SHOWN-STATUS ";" JETON-REASON ";"
                   SHOWN-LENGTH ";" JETON-RESULT ";" JETON-MESSAGE
                   UPON SYSOUT
           END-IF.
