      *> SPDX-License-Identifier: Apache-2.0
      *> Calls of "JETON" that are wrong. Each shows its return code;
      *> what lies behind an area must be as it was.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. MISUSE.
       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY JETON.
       COPY JETONTAB REPLACING ==:N:== BY ==3==.
       01  SHORT-AREA                  PIC X(100).
       01  NOT-BEHIND.
           05  HEAD-ONLY               PIC X(256).
           05  BEHIND                  PIC X(1200).
       01  WHOLE-TABLE.
           05  TWO-ENTRIES             PIC X(496).
           05  BEHIND-TWO              PIC X(1200).
       01  SHOWN                       PIC 9(4).
       PROCEDURE DIVISION.
       MAIN-PART.
           SET JETON-TOKENIZE TO TRUE
           MOVE "pan" TO JETON-FIELD
           CALL "JETON"
           MOVE RETURN-CODE TO SHOWN
           DISPLAY "NO PARAMETER " SHOWN
           MOVE JETON-AREA TO SHORT-AREA
           CALL "JETON" USING SHORT-AREA
           MOVE RETURN-CODE TO SHOWN
           DISPLAY "SHORT " SHOWN
           MOVE JETON-AREA TO HEAD-ONLY
           MOVE ALL "#" TO BEHIND
           CALL "JETON" USING HEAD-ONLY
           MOVE RETURN-CODE TO SHOWN
           DISPLAY "HEAD ONLY " SHOWN
           MOVE HEAD-ONLY TO JETON-AREA(1:256)
           DISPLAY JETON-REASON
           IF BEHIND NOT = ALL "#" DISPLAY "WRITTEN BEHIND" END-IF
           SET JTAB-TOKENIZE TO TRUE
           MOVE "pan" TO JTAB-FIELD
           MOVE 3 TO JTAB-COUNT
           MOVE JTAB-AREA TO WHOLE-TABLE
           MOVE ALL "#" TO BEHIND-TWO
           CALL "JETON" USING TWO-ENTRIES
           MOVE RETURN-CODE TO SHOWN
           DISPLAY "TWO OF THREE " SHOWN
           IF BEHIND-TWO NOT = ALL "#" DISPLAY "WRITTEN BEHIND" END-IF
           MOVE 4 TO JTAB-COUNT
           CALL "JETON" USING JTAB-AREA
           MOVE RETURN-CODE TO SHOWN
           DISPLAY "COUNT " SHOWN " " JTAB-REASON
           MOVE 3 TO JTAB-COUNT
           MOVE 33 TO JTAB-VALUE-LENGTH(3)
           CALL "JETON" USING JTAB-AREA
           MOVE RETURN-CODE TO SHOWN
           DISPLAY "LENGTH " SHOWN " " JTAB-REASON
           MOVE "WHAT" TO JETON-FUNCTION
           MOVE "STALE" TO JETON-RESULT
           CALL "JETON" USING JETON-AREA
           MOVE RETURN-CODE TO SHOWN
           DISPLAY "FUNCTION " SHOWN " " JETON-REASON
           IF JETON-RESULT NOT = SPACES DISPLAY "STALE" END-IF
           INITIALIZE JETON-AREA
           SET JETON-TOKENIZE TO TRUE
           CALL "JETON" USING JETON-AREA
           MOVE RETURN-CODE TO SHOWN
           DISPLAY "INITIALIZED " SHOWN " " JETON-REASON
           IF JETON-RETURN-CODE = 0 DISPLAY "LOOKS DONE" END-IF
           MOVE 0 TO RETURN-CODE
           STOP RUN.
