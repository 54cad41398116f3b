      *> SPDX-License-Identifier: Apache-2.0
      *> An example of CALL "JETON" with a table: one card number or
      *> token a line comes in, what it becomes goes out, 500 to a
      *> call. Where there is nothing to give, the line is blank and
      *> standard error has the reason.
      *>
      *>   cobc -x -I /usr/share/jeton/copybook cardtab.cob
      *>   export COB_PRE_LOAD=libjeton
      *>   export JETON_URL=https://cards.example:8443
      *>   export JETON_KEY_FILE=/etc/shop/jeton.key
      *>   DD_LINEIN=cards.txt DD_LINEOUT=tokens.txt
      *>       ./cardtab TOKN pan
       IDENTIFICATION DIVISION.
       PROGRAM-ID. CARDTAB.
       ENVIRONMENT DIVISION.
       INPUT-OUTPUT SECTION.
       FILE-CONTROL.
           SELECT LINE-IN  ASSIGN TO "LINEIN"
               ORGANIZATION IS LINE SEQUENTIAL
               FILE STATUS IS IN-STATUS.
           SELECT LINE-OUT ASSIGN TO "LINEOUT"
               ORGANIZATION IS LINE SEQUENTIAL
               FILE STATUS IS OUT-STATUS.
       DATA DIVISION.
       FILE SECTION.
       FD  LINE-IN.
       01  IN-LINE                     PIC X(32).
       FD  LINE-OUT.
       01  OUT-LINE                    PIC X(32).
       WORKING-STORAGE SECTION.
       01  IN-STATUS                   PIC XX.
       01  OUT-STATUS                  PIC XX.
       01  I                           PIC S9(9) COMP.
       01  N-BEFORE                    PIC 9(9) VALUE 0.
       01  LINE-NUMBER                 PIC 9(9).
       01  WORST-CODE                  PIC S9(9) COMP VALUE 0.
       COPY JETONTAB REPLACING ==:N:== BY ==500==.
       PROCEDURE DIVISION.
       MAIN-PART.
           DISPLAY 1 UPON ARGUMENT-NUMBER
           ACCEPT JTAB-FUNCTION FROM ARGUMENT-VALUE
           DISPLAY 2 UPON ARGUMENT-NUMBER
           ACCEPT JTAB-FIELD FROM ARGUMENT-VALUE
           OPEN INPUT LINE-IN
           OPEN OUTPUT LINE-OUT
           IF IN-STATUS NOT = "00" OR OUT-STATUS NOT = "00"
               DISPLAY "CARDTAB: A FILE CANNOT BE OPENED" UPON SYSERR
               MOVE 16 TO RETURN-CODE
               STOP RUN
           END-IF
           PERFORM UNTIL IN-STATUS NOT = "00" OR WORST-CODE > 4
               PERFORM FILL-TABLE
               CALL "JETON" USING JTAB-AREA
               PERFORM EMPTY-TABLE
           END-PERFORM
           CLOSE LINE-IN LINE-OUT
           SET JTAB-CLOSE TO TRUE
           CALL "JETON" USING JTAB-AREA
           MOVE WORST-CODE TO RETURN-CODE
           STOP RUN.
       FILL-TABLE.
           MOVE 0 TO JTAB-COUNT
           PERFORM UNTIL IN-STATUS NOT = "00"
                   OR JTAB-COUNT = JTAB-CAPACITY
               READ LINE-IN
               IF IN-STATUS = "00"
                   ADD 1 TO JTAB-COUNT
                   MOVE IN-LINE TO JTAB-VALUE(JTAB-COUNT)
               END-IF
           END-PERFORM.
       EMPTY-TABLE.
           IF JTAB-RETURN-CODE > WORST-CODE
               MOVE JTAB-RETURN-CODE TO WORST-CODE
           END-IF
           IF NOT JTAB-DONE
               DISPLAY JTAB-MESSAGE UPON SYSERR
           END-IF
           PERFORM VARYING I FROM 1 BY 1
                   UNTIL I > JTAB-COUNT OR JTAB-RETURN-CODE > 4
               MOVE JTAB-RESULT(I) TO OUT-LINE
               WRITE OUT-LINE
               IF JTAB-ITEM-CODE(I) NOT = 0
                   ADD N-BEFORE I GIVING LINE-NUMBER
                   DISPLAY "LINE " LINE-NUMBER ": "
                       JTAB-ITEM-REASON(I) UPON SYSERR
               END-IF
           END-PERFORM
           ADD JTAB-COUNT TO N-BEFORE.
